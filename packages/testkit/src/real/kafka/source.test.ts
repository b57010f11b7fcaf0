import { expect, test } from 'vitest';
import { chooseKafka, type KafkaSurroundings } from './source.ts';

const BARE: KafkaSurroundings = { brokersVariable: undefined, dockerAnswers: false, jars: undefined, java: false };
const JARS = { ...BARE, jars: '/cache/kafka', java: true };

const cases: readonly [what: string, own: boolean, where: Partial<KafkaSurroundings>, kind: string][] = [
  ['KAFKA_BROKERS before all else', false, { brokersVariable: 'a:1', dockerAnswers: true }, 'given'],
  ['a container where Docker answers', false, { dockerAnswers: true }, 'container'],
  ['the jars otherwise', false, {}, 'jars'],
  ['an empty variable is none', false, { brokersVariable: ' , ' }, 'jars'],
  ['one to kill is never one that was given', true, { brokersVariable: 'a:1' }, 'jars'],
  ['nor one in a container', true, { dockerAnswers: true }, 'jars'],
];
test.each(cases)('%s', (_, own, where, kind) => {
  expect(chooseKafka(own, { ...JARS, ...where }).kind).toBe(kind);
});

test('several brokers are joined by commas', () => {
  const where = { ...BARE, brokersVariable: 'one:9092, [::1]:9093' };
  expect(chooseKafka(false, where)).toEqual({ kind: 'given', bootstrap: ['one:9092', '[::1]:9093'] });
  expect(() => chooseKafka(false, { ...BARE, brokersVariable: 'one' })).toThrow('KAFKA_BROKERS is host:port');
});

test('none at all is an error that says how to get one', () => {
  expect(() => chooseKafka(false, BARE)).toThrow(/setup\.mjs --test.*or set KAFKA_BROKERS/);
  expect(() => chooseKafka(true, { ...BARE, brokersVariable: 'a:1', dockerAnswers: true })).toThrow(/Kafka is not in/);
  expect(() => chooseKafka(false, { ...BARE, jars: '/cache/kafka' })).toThrow('there is no java');
});
