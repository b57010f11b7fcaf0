import { BatchBuilder, type Labels, labelsOf, labelValue, matcher, type SampleBatch } from '@tidemark/model';
import { expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

// One answer from several shards: a few hundred series at a time where all are different, put together where some are not.

const TOPIC = 'tidemark.raw';
const HOUR_MS = 3_600_000;

function batch(names: readonly string[], timesMs: readonly number[], value: (i: number) => number): SampleBatch {
  const builder = new BatchBuilder('default');
  for (const name of names) {
    const labels = labelsOf({ __name__: 'm', id: name, job: 'j' });
    for (const [i, time] of timesMs.entries()) builder.addLabels(labels, time, value(i));
  }
  return builder.build(START_MS);
}

const steps = (from: number, count: number) => Array.from({ length: count }, (_, i) => START_MS + (from + i) * 15_000);
const idsOf = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

async function select(world: World, seriesMax = 10_000) {
  const { series, warnings } = await world.engine.source().select({
    tenant: 'default',
    matchers: [matcher('=', 'job', 'j')],
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax, samplesMax: 1e7 },
    signal: new AbortController().signal,
  });
  expect(warnings).toEqual([]);
  const found = new Map(series.map((one) => [labelValue(one.labels as Labels, 'id'), one]));
  expect(found.size).toBe(series.length);
  return found;
}

/** 300 series in each of three partitions, something out of order in one of them; `shared` is in two. */
async function filled(shared: readonly string[]): Promise<World> {
  const world = new World();
  await world.open();
  const apply = (partition: number, offset: number, samples: SampleBatch) =>
    world.engine.applySamples({ topic: TOPIC, partition, offset, batch: samples });
  apply(
    0,
    0,
    batch([...idsOf('a', 300), ...shared], steps(0, 150), (i) => i),
  );
  apply(
    1,
    0,
    batch([...idsOf('b', 300), ...shared], steps(150, 10), (i) => 150 + i),
  );
  apply(
    2,
    0,
    batch(idsOf('c', 300), steps(100, 60), (i) => i),
  );
  // Behind what was moved into the stream: it waits out of order.
  apply(
    2,
    1,
    batch(['c7', 'c299'], steps(3, 2), (i) => -i),
  );
  return world;
}

test('series that are all different: every one whole, what is out of order too', async () => {
  const found = await select(await filled([]));
  expect(found.size).toBe(900);
  expect([...(found.get('a299')?.values ?? [])]).toEqual(Array.from({ length: 150 }, (_, i) => i));
  expect(found.get('c8')?.values.length).toBe(60);
  for (const id of ['c7', 'c299']) {
    expect([...(found.get(id)?.timestampsMs ?? [])]).toEqual([...steps(3, 2), ...steps(100, 60)]);
  }
  // Series of one scrape share their times.
  expect(found.get('a0')?.timestampsMs).toBe(found.get('a1')?.timestampsMs);
});

test('a series in two shards is one series', async () => {
  const found = await select(await filled(['s0', 's1']));
  expect(found.size).toBe(902);
  for (const id of ['s0', 's1']) {
    expect([...(found.get(id)?.values ?? [])]).toEqual(Array.from({ length: 160 }, (_, i) => i));
  }
});

test('the limit is on series of all shards together, in one step or many', async () => {
  const apart = await filled([]);
  await expect(select(apart, 899)).rejects.toMatchObject({ code: 'SELECT_TOO_MANY_SERIES', details: { limit: 899 } });
  expect((await select(apart, 900)).size).toBe(900);
  const shared = await filled(['s0']);
  await expect(select(shared, 900)).rejects.toMatchObject({ code: 'SELECT_TOO_MANY_SERIES' });
  expect((await select(shared, 901)).size).toBe(901);
});

test('labels are decoded once, and the same after a restart', async () => {
  const world = await filled([]);
  const before = await select(world);
  expect(await select(world)).toEqual(before);
  expect((await select(world)).get('b5')?.labels).toBe(before.get('b5')?.labels);
  await world.engine.checkpoint();
  await world.engine.close();
  await world.clock.advance(HOUR_MS);
  await world.open();
  expect(await select(world)).toEqual(before);
});
