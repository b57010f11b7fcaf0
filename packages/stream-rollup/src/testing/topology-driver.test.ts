import { TidemarkError } from '@tidemark/base';
import { expect, test } from 'vitest';
import type { ProcessorContext, PunctuationType } from '../processor/context.ts';
import type { Processor } from '../processor/processor.ts';
import type { StreamRecord } from '../processor/record.ts';
import { always, type ErrorDecision } from '../runtime/error-policy.ts';
import type { KeyValueStore } from '../state/key-value.ts';
import { memoryKeyValueStore } from '../state/memory-key-value.ts';
import { Topology } from '../topology/topology.ts';
import { TopologyTestDriver } from './topology-driver.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (value: Uint8Array | null | undefined) => value && new TextDecoder().decode(value);
const word = {
  topics: ['words'],
  deserializer: (value: Uint8Array) => {
    const text = textOf(value) as string;
    if (text === 'bad') throw new TidemarkError('WORD_BAD', 'this word is bad');
    return text;
  },
};
const textSink = (topic: string) => ({ topic, serializer: (text: string) => bytes(text) });

/** Counts each word in a store and forwards `word=count`. */
class CountWords implements Processor<unknown, string, null, string> {
  #context: ProcessorContext<null, string> | undefined;

  init(context: ProcessorContext<null, string>): void {
    this.#context = context;
  }

  process({ value, timestampMs, headers }: StreamRecord<unknown, string>): void {
    const context = this.#context as ProcessorContext<null, string>;
    const store = context.getStateStore<KeyValueStore>('counts');
    const count = Number(textOf(store.get(bytes(value))) ?? '0') + 1;
    store.put(bytes(value), bytes(`${count}`));
    context.forward({ key: null, value: `${value}=${count}`, timestampMs, headers });
  }
}

function countTopology(): Topology {
  return new Topology()
    .addSource('words', word)
    .addProcessor('count', () => new CountWords(), ['words'])
    .addStateStore(memoryKeyValueStore('counts'), ['count'])
    .addSink('counts', textSink('counts'), ['count']);
}

const textsOf = (driver: TopologyTestDriver, topic: string) => driver.outputs(topic).map(({ value }) => textOf(value));

/** A topology of one processor whose work is given. */
function withProcessor(
  make: (context: ProcessorContext<null, string>) => (record: StreamRecord<unknown, string>) => void,
) {
  return new Topology()
    .addSource('words', word)
    .addProcessor('work', (): Processor<unknown, string, null, string> => {
      let work: ((record: StreamRecord<unknown, string>) => void) | undefined;
      return {
        init(context) {
          work = make(context);
        },
        process: (record) => work?.(record),
      };
    }, ['words'])
    .addSink('left', textSink('left'), ['work'])
    .addSink('right', textSink('right'), ['work']);
}

test('records in, records out, state between them', async () => {
  const driver = await TopologyTestDriver.start(countTopology());
  for (const text of ['a', 'b', 'a']) driver.pipe('words', { value: bytes(text) });
  expect(textsOf(driver, 'counts')).toEqual(['a=1', 'b=1', 'a=2']);
  expect(textOf(driver.store<KeyValueStore>('counts').get(bytes('a')))).toBe('2');
  expect(driver.output('counts')).toBe(undefined);
});

test('a crash forgets what came after the checkpoint, state and position alike', async () => {
  const driver = await TopologyTestDriver.start(countTopology());
  driver.pipe('words', { value: bytes('a') });
  await driver.checkpoint();
  driver.pipe('words', { value: bytes('a') });
  driver.pipe('words', { value: bytes('b') });
  await driver.crash();
  expect(driver.position('words')).toBe(1);
  expect(textOf(driver.store<KeyValueStore>('counts').get(bytes('a')))).toBe('1');
  driver.outputs('counts');
  driver.pipe('words', { value: bytes('a') });
  expect(textsOf(driver, 'counts')).toEqual(['a=2']);
});

test('forward goes to every child, or to the one named', async () => {
  const driver = await TopologyTestDriver.start(
    withProcessor((context) => (record) => {
      context.forward({ ...record, key: null });
      context.forward({ ...record, key: null, value: 'only right' }, 'right');
    }),
  );
  driver.pipe('words', { value: bytes('both') });
  expect(textsOf(driver, 'left')).toEqual(['both']);
  expect(textsOf(driver, 'right')).toEqual(['both', 'only right']);
});

test.each([
  [
    'a child that is none',
    'STREAMS_CHILD_UNKNOWN',
    (c: ProcessorContext<null, string>) => c.forward({ key: null, value: '', timestampMs: 0, headers: {} }, 'up'),
  ],
  [
    'a store that is not connected',
    'STREAMS_STORE_UNKNOWN',
    (c: ProcessorContext<null, string>) => c.getStateStore('counts'),
  ],
] as const)('%s is refused by name', async (_what, code, work) => {
  const driver = await TopologyTestDriver.start(withProcessor((context) => () => void work(context)));
  expect(() => driver.pipe('words', { value: bytes('x') })).toThrow(expect.objectContaining({ code }));
});

test('stream time only moves forward; metadata is there while a record is processed', async () => {
  const seen: unknown[] = [];
  const driver = await TopologyTestDriver.start(
    withProcessor((context) => {
      expect(context.currentStreamTimeMs()).toBe(Number.NEGATIVE_INFINITY);
      expect(context.recordMetadata()).toBe(undefined);
      return () => seen.push([context.currentStreamTimeMs(), context.recordMetadata()?.offset]);
    }),
  );
  for (const timestampMs of [100, 50, 200]) driver.pipe('words', { value: bytes('x'), timestampMs });
  expect(seen).toEqual([
    [100, 0],
    [100, 1],
    [200, 2],
  ]);
});

async function punctuations(type: PunctuationType) {
  const at: number[] = [];
  let cancel = (): void => undefined;
  const topology = withProcessor((context) => {
    cancel = context.schedule(100, type, (timeMs) => at.push(timeMs));
    return () => undefined;
  });
  const driver = await TopologyTestDriver.start(topology, { startMs: 1_000 });
  return { at, driver, cancel: () => cancel() };
}

test('wall-clock punctuation comes on an idle task, each interval', async () => {
  const { at, driver, cancel } = await punctuations('wall-clock');
  await driver.advanceWallClock(250);
  expect(at).toEqual([1_100, 1_200]);
  cancel();
  await driver.advanceWallClock(500);
  expect(at).toEqual([1_100, 1_200]);
});

test('stream-time punctuation comes with records only, missed intervals once', async () => {
  const { at, driver } = await punctuations('stream-time');
  await driver.advanceWallClock(1_000);
  expect(at).toEqual([]);
  for (const timestampMs of [5_000, 5_099, 5_100, 5_650, 5_660, 5_700])
    driver.pipe('words', { value: bytes('x'), timestampMs });
  expect(at).toEqual([5_100, 5_650, 5_700]);
});

test.each([
  ['skip', [], ['WORD_BAD']],
  ['dead-letter', ['bad'], ['WORD_BAD']],
] as const)('a record that cannot be read: %s', async (decision, dead, reasons) => {
  const driver = await TopologyTestDriver.start(countTopology(), { errorPolicy: always(decision as ErrorDecision) });
  driver.pipe('words', { value: bytes('bad') });
  driver.pipe('words', { value: bytes('good') });
  expect(textsOf(driver, 'counts')).toEqual(['good=1']);
  const letters = driver.outputs('tidemark.dead-letter');
  expect(letters.map(({ value }) => textOf(value))).toEqual(dead);
  if (letters[0]) {
    expect(letters[0].headers).toEqual({
      topic: 'words',
      partition: '0',
      offset: '0',
      reason: 'WORD_BAD',
      error: 'this word is bad',
      time: new Date(0).toISOString(),
    });
  }
  expect(driver.problems.map(({ reason }) => reason)).toEqual(reasons);
});

test('a record that cannot be read: fail', async () => {
  const driver = await TopologyTestDriver.start(countTopology(), { errorPolicy: always('fail') });
  expect(() => driver.pipe('words', { value: bytes('bad') })).toThrow(
    expect.objectContaining({ code: 'STREAMS_RECORD_REFUSED' }),
  );
  expect(() => driver.pipe('words', { value: null })).toThrow(
    expect.objectContaining({ code: 'STREAMS_RECORD_REFUSED' }),
  );
});

test('keys choose the partition of a sink; without one it is the task’s', async () => {
  const topology = new Topology().addSource('words', word).addSink('out', textSink('out'), ['words']);
  const driver = await TopologyTestDriver.start(topology, { partition: 2, partitions: 8 });
  for (const key of ['a', 'a', 'b', 'c', 'd']) driver.pipe('words', { key: bytes(key), value: bytes('x') });
  const chosen = driver.outputs('out').map(({ partition }) => partition);
  expect(chosen[0]).toBe(chosen[1]);
  expect(new Set(chosen).size).toBeGreaterThan(1);
  driver.pipe('words', { value: bytes('x') });
  expect(driver.output('out')?.partition).toBe(2);
});

test('a topic between two sub-topologies carries records from one to the other', async () => {
  const topology = new Topology()
    .addSource('words', word)
    .addSink('between', textSink('middle'), ['words'])
    .addSource('again', { ...word, topics: ['middle'] })
    .addSink('end', textSink('end'), ['again']);
  expect(topology.subTopologies().length).toBe(2);
  const driver = await TopologyTestDriver.start(topology);
  driver.pipe('words', { value: bytes('through') });
  expect(textsOf(driver, 'end')).toEqual(['through']);
  expect(() => driver.pipe('elsewhere', { value: bytes('x') })).toThrow(
    expect.objectContaining({ code: 'DRIVER_TOPIC_UNKNOWN' }),
  );
});
