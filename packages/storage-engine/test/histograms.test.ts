import { seededRandom } from '@tidemark/base';
import { BatchBuilder, encodeLabels, labelsOf, matcher, type SampleBatch } from '@tidemark/model';
import { expect, test } from 'vitest';
import { anyHistogram, histogramText, histogramTexts } from './any-histogram.ts';
import { START_MS, World } from './world.ts';

// Native histograms beside numbers, from the head to a segment. What happens to them at random is in oracle.sim.test.ts.

const RAW = { topic: 'tidemark.raw', partition: 0 };
const LABELS = labelsOf({ __name__: 'latency_seconds', instance: 'a' });
const random = seededRandom(12);
const [first, second, third] = [anyHistogram(random), anyHistogram(random), anyHistogram(random)] as const;

function batchOf(entries: readonly (readonly [time: number, what: number | Uint8Array])[]): SampleBatch {
  const builder = new BatchBuilder('default');
  const bytes = encodeLabels(LABELS);
  for (const [time, what] of entries) {
    const series = builder.seriesOf(bytes, 0, bytes.length);
    if (typeof what === 'number') builder.add(series, START_MS + time, what);
    else builder.addHistogram(series, START_MS + time, what);
  }
  return builder.build(START_MS);
}

async function made(): Promise<World> {
  const world = new World(seededRandom(1));
  await world.open();
  return world;
}

async function read(world: World, more: { newestOnly?: boolean; samplesMax?: number } = {}): Promise<string[]> {
  const { samplesMax = 1e6, newestOnly = false } = more;
  const { series, warnings } = await world.engine.source().select({
    tenant: 'default',
    matchers: [matcher('=', '__name__', 'latency_seconds')],
    range: { startMs: START_MS, endMs: START_MS + 7_200_000 },
    limits: { seriesMax: 10, samplesMax },
    signal: new AbortController().signal,
    newestOnly,
  });
  expect(warnings).toEqual([]);
  return series.flatMap((one) => {
    const texts = histogramTexts(one);
    return [...one.timestampsMs].map((time, i) => `${time - START_MS} ${texts.get(i) ?? one.values[i]}`);
  });
}

test('whatever came last at a time stands, number or histogram, wherever it lies', async () => {
  const world = await made();
  const records = [
    batchOf([
      [1000, 1],
      [2000, first],
      [3000, 3],
    ]), // a number, a histogram, a number
    batchOf([
      [1000, second],
      [2000, 2],
      [4000, first],
    ]), // the other way round
    batchOf([
      [4000, third],
      [5000, 5],
      [5000, first],
    ]), // of one record the histogram
    batchOf([
      [6000, third],
      [4500, 4.5],
      [6000, third],
    ]), // out of order, and twice
  ];
  const expected = [
    `1000 ${histogramText(second)}`,
    '2000 2',
    '3000 3',
    `4000 ${histogramText(third)}`,
    '4500 4.5',
    `5000 ${histogramText(first)}`,
    `6000 ${histogramText(third)}`,
  ];
  for (const [offset, batch] of records.entries()) {
    world.engine.applySamples({ ...RAW, offset, batch });
    if (offset === 1) await world.engine.checkpoint();
  }
  expect(await read(world)).toEqual(expected);
  expect((await read(world, { newestOnly: true })).at(-1)).toEqual(expected.at(-1));
  await world.engine.checkpoint();
  expect(await read(world)).toEqual(expected);
  world.crash(1, 'torn');
  await world.open();
  expect(await read(world)).toEqual(expected);
  await world.clock.advance(4 * 3_600_000);
  expect((await world.engine.seal({ supplementsToo: true })).windows).toHaveLength(1);
  expect(await read(world)).toEqual(expected);
  expect((await read(world, { newestOnly: true })).at(-1)).toEqual(expected.at(-1));
});

test('one that is none is left out; the rest of its record stays', async () => {
  const world = await made();
  const batch = batchOf([
    [1000, 1],
    [2000, first.subarray(0, first.length - 1)],
    [3000, first],
    [4000, Uint8Array.of(200)],
  ]);
  expect(world.engine.applySamples({ ...RAW, offset: 0, batch })).toBe(true);
  expect(await read(world)).toEqual(['1000 1', `3000 ${histogramText(first)}`]);
  expect(world.metrics.expose()).toMatch(/tidemark_storage_histograms_refused_total 2/);
});

test('a histogram counts for as many samples as it takes memory', async () => {
  const world = await made();
  world.engine.applySamples({
    ...RAW,
    offset: 0,
    batch: batchOf([
      [1000, first],
      [2000, first],
    ]),
  });
  const weight = 2 * (1 + Math.floor(first.length / 16));
  expect(await read(world, { samplesMax: weight })).toHaveLength(2);
  await expect(read(world, { samplesMax: weight - 1 })).rejects.toMatchObject({ code: 'SELECT_TOO_MANY_SAMPLES' });
});

test('histograms that wait are bounded by their bytes', async () => {
  const world = await made();
  world.options = { histogramBytesMax: 1000 };
  await world.open();
  let offset = 0;
  const apply = () => world.engine.applySamples({ ...RAW, offset: offset++, batch: batchOf([[offset * 1000, first]]) });
  expect(() => {
    for (let i = 0; i < 100; i++) apply();
  }).toThrow(/bytes of native histograms wait for a checkpoint/);
  expect(world.engine.checkpointDue()).toBe(true);
  offset--;
  await world.engine.checkpoint();
  expect(apply()).toBe(true);
  expect(await read(world)).toHaveLength(offset);
});
