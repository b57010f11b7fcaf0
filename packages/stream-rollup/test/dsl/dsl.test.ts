import { SimDisk } from '@tidemark/base/sim';
import { Serdes, SessionWindows, StreamsBuilder, TimeWindows } from '@tidemark/stream-rollup';
import { TopologyTestDriver } from '@tidemark/stream-rollup/testing';
import { expect, test } from 'vitest';

const text = Serdes.string;
const TEXTS = { key: text, value: text };

async function drive(build: (builder: StreamsBuilder) => void) {
  const builder = new StreamsBuilder();
  build(builder);
  const driver = await TopologyTestDriver.start(builder.build(), { disk: new SimDisk() });
  return {
    driver,
    input: driver.createInputTopic('in', text, text),
    output: driver.createOutputTopic('out', text, text),
  };
}

test('names given stand in the topology, and numbers are taken all the same', async () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { ...TEXTS, name: 'orders' })
    .filter(() => true, { name: 'large' })
    .groupBy((_key, value) => value, { key: text, name: 'by-value' })
    .count({ name: 'counts', node: 'count' })
    .toStream()
    .to('out', { name: 'result' });
  const lines = builder.build().describe().split('\n');
  const nodes = lines.flatMap((line) => /^ {4}\w+: (\S+)/.exec(line)?.[1] ?? []);
  expect(nodes).toEqual([
    'orders',
    'large',
    'KSTREAM-KEY-SELECT-0000000002',
    'by-value-repartition-filter',
    'by-value-repartition-sink',
    'by-value-repartition-source',
    'count',
    'KTABLE-TOSTREAM-0000000007',
    'result',
  ]);
});

test('no repartition topic where the key is the one it was', () => {
  const builder = new StreamsBuilder();
  const stream = builder.stream('in', TEXTS);
  stream
    .mapValues((value) => value, { value: text })
    .groupByKey()
    .count();
  expect(builder.build().internalTopics).toEqual([]);
});

test('a named repartition topic is made once for all folds of a group', () => {
  const builder = new StreamsBuilder();
  const grouped = builder.stream('in', TEXTS).groupBy((_key, value) => value, { key: text, name: 'by-value' });
  grouped.count();
  grouped.reduce((a, b) => a + b);
  expect(builder.build().internalTopics).toEqual(['by-value-repartition']);
});

test('a serde that is missing is named where bytes are needed', () => {
  const stream = new StreamsBuilder().stream('in', TEXTS).mapValues((value) => value.length);
  expect(() => stream.to('out')).toThrow(expect.objectContaining({ code: 'DSL_SERDE_MISSING' }));
});

test('late records are counted by reason, window by window; records without a key too', async () => {
  const { driver, input } = await drive((builder) => {
    builder.stream('in', TEXTS).groupByKey().windowedBy(TimeWindows.ofSizeAndGrace(100, 0).advanceBy(50)).count();
  });
  input.pipeInput('k', 'a', 200);
  input.pipeInput('k', 'a', 120);
  input.pipeInput('k', 'a', 10);
  input.pipeInput(null, 'a', 210);
  expect(driver.dropped('expired_window')).toBe(3);
  expect(driver.dropped('null_key')).toBe(1);
});

test('a crash takes windows, and the time they have seen, back to the checkpoint', async () => {
  const { driver, input, output } = await drive((builder) => {
    const windows = TimeWindows.ofSizeAndGrace(100, 50);
    const counts = builder.stream('in', TEXTS).groupByKey().windowedBy(windows).count({ name: 'counts' });
    counts
      .toStream()
      .map(({ key, window }, count) => [`${key}@${window.startMs}`, `${count}`])
      .to('out', TEXTS);
  });
  input.pipeInput('k', 'a', 10);
  input.pipeInput('k', 'a', 149);
  await driver.checkpoint();
  input.pipeInput('k', 'a', 150);
  input.pipeInput('k', 'a', 20);
  expect(driver.dropped('expired_window')).toBe(1);
  await driver.crash();
  output.readRecordsToList();
  input.pipeInput('k', 'a', 20);
  input.pipeInput('k', 'a', 149);
  expect(output.readKeyValuesToList()).toEqual([
    ['k@0', '2'],
    ['k@100', '2'],
  ]);
  const store = driver.getWindowStore<string, number>('counts');
  expect(store.fetch('k', 0)).toEqual({ value: 2, timestampMs: 20 });
});

test('windows go with the checkpoint after their retention', async () => {
  const { driver, input } = await drive((builder) => {
    builder.stream('in', TEXTS).groupByKey().windowedBy(TimeWindows.ofSizeAndGrace(100, 50)).count({ name: 'counts' });
  });
  for (const timeMs of [10, 110, 210, 310]) input.pipeInput('k', 'a', timeMs);
  await driver.checkpoint();
  const starts: number[] = [];
  for await (const { startMs } of driver.getWindowStore<string, number>('counts').fetchAll()) starts.push(startMs);
  expect(starts).toEqual([200, 300]);
});

test('a table can be asked for by the name of its store', async () => {
  const { driver, input } = await drive((builder) => {
    builder.table('in', TEXTS, { name: 'last' });
  });
  input.pipeInput('k', 'a', 1);
  input.pipeInput('k', 'b', 2);
  input.pipeInput('gone', 'a', 3);
  input.pipeInput('gone', null, 4);
  const store = driver.getKeyValueStore<string, string>('last');
  expect(store.get('k')).toEqual({ value: 'b', timestampMs: 2 });
  expect(store.get('gone')).toBe(undefined);
});

test.each([
  [0, 0],
  [100, -1],
  [1.5, 0],
])('windows of %s ms with a grace of %s are refused', (sizeMs, graceMs) => {
  expect(() => TimeWindows.ofSizeAndGrace(sizeMs, graceMs)).toThrow(
    expect.objectContaining({ code: 'WINDOWS_INVALID' }),
  );
});

test('what waits for its window to close waits through a crash', async () => {
  const { driver, input, output } = await drive((builder) => {
    builder
      .stream('in', TEXTS)
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeAndGrace(100, 0))
      .count()
      .suppressUntilWindowCloses()
      .toStream()
      .map(({ key, window }, count) => [`${key}@${window.startMs}`, `${count}`])
      .to('out', TEXTS);
  });
  input.pipeInput('b', 'x', 10);
  input.pipeInput('a', 'x', 20);
  input.pipeInput('b', 'x', 99);
  await driver.checkpoint();
  input.pipeInput('a', 'x', 100);
  await driver.crash();
  output.readRecordsToList();
  input.pipeInput('a', 'x', 99);
  expect(output.isEmpty()).toBe(true);
  input.pipeInput('a', 'x', 100);
  expect(output.readKeyValuesToList()).toEqual([
    ['a@0', '2'],
    ['b@0', '2'],
  ]);
  input.pipeInput('c', 'x', 250);
  expect(output.readKeyValuesToList()).toEqual([['a@100', '1']]);
});

test('no more keys wait than may', async () => {
  const { input } = await drive((builder) => {
    const counts = builder.stream('in', TEXTS).groupByKey().windowedBy(TimeWindows.ofSizeAndGrace(100, 0)).count();
    counts.suppressUntilWindowCloses({ keysMax: 1 });
  });
  input.pipeInput('a', 'x', 1);
  expect(() => input.pipeInput('b', 'x', 1)).toThrow(expect.objectContaining({ code: 'STATE_FULL' }));
});

test('waiting for windows needs windows', () => {
  const table = new StreamsBuilder().table('in', TEXTS);
  expect(() => table.suppressUntilWindowCloses()).toThrow(expect.objectContaining({ code: 'SUPPRESS_NO_WINDOWS' }));
});

test('sessions outlive a crash, and go with the checkpoint after gap and grace', async () => {
  const { driver, input } = await drive((builder) => {
    const windows = SessionWindows.ofInactivityGapAndGrace(50, 100);
    builder.stream('in', TEXTS).groupByKey().windowedBy(windows).count({ name: 'sessions' });
  });
  const sessions = (key: string) => driver.getSessionStore<string, number>('sessions').findSessions(key, 0, 1_000);
  input.pipeInput('k', 'x', 10);
  input.pipeInput('k', 'x', 100);
  await driver.checkpoint();
  input.pipeInput('k', 'x', 55);
  expect(sessions('k')).toEqual([{ startMs: 10, endMs: 100, value: 3 }]);
  await driver.crash();
  expect(sessions('k').map(({ value }) => value)).toEqual([1, 1]);
  input.pipeInput('k', 'x', 55);
  input.pipeInput('other', 'x', 900);
  await driver.checkpoint();
  await driver.crash();
  expect(sessions('k')).toEqual([]);
  expect(sessions('other')).toEqual([{ startMs: 900, endMs: 900, value: 1 }]);
  input.pipeInput('k', 'x', 700);
  expect(driver.dropped('expired_window')).toBe(1);
});
