import { createRequire } from 'node:module';
import { type Kafka as Broker, sharedKafka } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Appender } from '../../src/kafka/appender.ts';
import { IdempotentNumbering } from '../../src/kafka/numbering.ts';
import { Sender } from '../../src/kafka/sender.ts';
import { carryOut } from '../../src/kafka/transaction/carry-out.ts';
import { batchesOf } from '../../src/kafka/transaction/partition-batches.ts';
import { KafkaTransactionWire } from '../../src/kafka/transaction/transaction-wire.ts';
import { kafkaParts } from '../kafka-parts.ts';
import * as bare from './bare.ts';
import { at, ours, TASKS, task, valuesOf } from './worlds.ts';

// Sequence numbers near their end. A broker takes any number as the first that it hears from a producer in a partition, so
// a test begins just before 2^31 instead of sending so many records. After 2^31 - 1 comes 0.

let broker: Broker;
beforeAll(async () => {
  broker = await sharedKafka();
});
afterAll(() => broker.stop());

const LAST = 2 ** 31 - 1;
const VALUES = Array.from({ length: 8 }, (_, i) => `${i}`);

interface EosManager {
  isInitialized(): boolean;
  getSequence(topic: string, partition: number): number;
  updateSequence(topic: string, partition: number, increment: number): void;
}

/** A kafkajs whose producers' counters can be got at, which it keeps to itself. */
function countedKafka(): { readonly Kafka: typeof bare.Kafka; readonly counters: readonly EosManager[] } {
  const require = createRequire(import.meta.url);
  const path = require.resolve('kafkajs/src/producer/eosManager/index.js');
  const make = require(path) as (...args: unknown[]) => EosManager;
  const counters: EosManager[] = [];
  const loaded = require.cache[path];
  if (!loaded) throw new Error('kafkajs is not loaded');
  loaded.exports = (...args: unknown[]) => {
    const counter = make(...args);
    counters.push(counter);
    return counter;
  };
  // Those that took hold of the former one.
  for (const each of ['producer/index.js', 'index.js']) delete require.cache[require.resolve(`kafkajs/src/${each}`)];
  const Kafka = require('kafkajs/src/index.js') as typeof bare.Kafka;
  loaded.exports = make;
  return { Kafka, counters };
}

test('kafkajs: the number behind the last but one is 0 to it, and the broker takes nothing from it any more', async () => {
  await using one = await ours(broker.bootstrap);
  const { Kafka, counters } = countedKafka();
  const kafka = new Kafka({ ...bare.configOf(broker.bootstrap), retry: { retries: 2, initialRetryTime: 10 } });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const counter = counters.find((each) => each.isInitialized());
  counter?.updateSequence(one.topic, 0, LAST - 3);
  const sent = async () => {
    for (const value of VALUES) await producer.send({ topic: one.topic, messages: [{ value, partition: 0 }] });
  };
  await expect(sent()).rejects.toThrow(/sequence/i);
  await producer.disconnect();
  expect(await valuesOf(one.log, 0)).toEqual(['0', '1', '2']);
});

test('the log: long before, a producer id is followed by another', async () => {
  await using one = await ours(broker.bootstrap);
  await using parts = kafkaParts({ brokers: broker.bootstrap, namespace: one.namespace });
  const { client, topics } = parts;
  const numbering = new IdempotentNumbering(client);
  const sender = new Sender(client, numbering);
  const appender = new Appender(client, topics, sender);
  const { producerId, ...epoch } = await numbering.identity(undefined);
  const queue = sender.queueOf(at(0, 0));
  queue.identify({ producerId, ...epoch }, client.options.sequenceMax - 3);
  for (const value of VALUES) await appender.append([task(0, value)]);
  expect(queue.spent).toBeGreaterThan(producerId);
  expect(await valuesOf(one.log, 0)).toEqual(VALUES);
  await appender.close();
});

test('the log: in transactions, whose producer id stays, numbers go on at 0 as the broker counts', async () => {
  await using one = await ours(broker.bootstrap);
  await using parts = kafkaParts({ brokers: broker.bootstrap, namespace: one.namespace });
  const { client } = parts;
  const wire = new KafkaTransactionWire(client);
  const identity = await client.retrying('open', () => wire.init('task 0', 60_000));
  const owner = { ...identity, transactionalId: 'task 0' };
  const sequences = new Map([[`${TASKS.name}/0`, LAST - 3]]);
  const retrying = client.retrying.bind(client);
  for (let i = 0; i < VALUES.length; i += 2) {
    // Two at a time: one of the batches goes over the end.
    const records = VALUES.slice(i, i + 2).map((value) => task(0, value));
    const partitions = batchesOf(records, identity, sequences, 0, client.options);
    await carryOut({ wire, retrying }, { owner, partitions, groups: [] });
  }
  expect(sequences.get(`${TASKS.name}/0`)).toBe(VALUES.length - 4);
  expect(await valuesOf(one.log, 0)).toEqual(VALUES);
});
