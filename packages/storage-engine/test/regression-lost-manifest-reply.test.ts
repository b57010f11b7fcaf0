import { BatchBuilder, labelsOf, matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import { storageError } from '../src/errors.ts';
import { manifestName } from '../src/filename.ts';
import { START_MS, World } from './world.ts';

// A manifest was swapped and the reply was lost: the engine went on with what it knew before. Nobody named the segments that were merged any
// more, so they were removed when their lease was over, and every answer missed them, with a warning, until the next swap.

const TP = { topic: 'tidemark.raw', partition: 0 };
const HOUR = 3_600_000;

async function answered(world: World) {
  const { series, warnings } = await world.engine.source().select({
    tenant: 'default',
    matchers: [matcher('=', '__name__', 'up')],
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax: 10, samplesMax: 1e6 },
    signal: new AbortController().signal,
  });
  return { series: series.map(({ values }) => values.length), warnings };
}

test('what a lost reply did to the manifest is learned before anything is removed', async () => {
  const world = new World();
  const swap = world.objects.putIfMatches.bind(world.objects);
  let losing = false;
  world.objects.putIfMatches = async (name, bytes, etag) => {
    const fresh = await swap(name, bytes, etag);
    if (losing && name === manifestName(TP)) throw storageError('OBJECT_STORE_UNAVAILABLE', 'the reply was lost');
    return fresh;
  };
  world.options = { objectLeaseMs: HOUR / 4, orphanSearchMs: HOUR / 8 };
  await world.open();
  const builder = new BatchBuilder('default');
  for (const host of ['a', 'b']) {
    for (let i = 0; i < 300; i++) builder.addLabels(labelsOf({ __name__: 'up', host }), START_MS + i * 1000, i);
  }
  world.engine.applySamples({ ...TP, offset: 0, batch: builder.build(START_MS) });
  await world.clock.advance(4 * HOUR);
  await world.engine.seal();
  const selectors = [[matcher('=', 'host', 'b')]];
  const range = { startMs: Number.NEGATIVE_INFINITY, endMs: Number.POSITIVE_INFINITY };
  world.engine.applyDelete({ ...TP, offset: 1, tenant: 'default', selectors, ...range, atMs: world.clock.nowMs() });
  await world.engine.checkpoint();

  losing = true;
  expect((await world.engine.compact({ cleanAll: true })).failures, 'the reply is lost').not.toEqual([]);
  losing = false;
  for (let i = 0; i < 4; i++) {
    await world.clock.advance(HOUR / 4);
    await world.engine.compact();
    expect(await answered(world)).toEqual({ series: [300], warnings: [] });
  }
  expect(world.objects.names().filter((name) => name.startsWith('segments/'))).toHaveLength(1);
});

test('a seal of which the reply was lost is found done, and its segment is named once', async () => {
  const world = new World();
  const put = world.objects.putIfAbsent.bind(world.objects);
  let losing = true;
  world.objects.putIfAbsent = async (name, bytes) => {
    const isPut = await put(name, bytes);
    if (losing && name === manifestName(TP)) throw storageError('OBJECT_STORE_UNAVAILABLE', 'the reply was lost');
    return isPut;
  };
  await world.open();
  const builder = new BatchBuilder('default');
  for (let i = 0; i < 300; i++) builder.addLabels(labelsOf({ __name__: 'up' }), START_MS + i * 1000, i);
  world.engine.applySamples({ ...TP, offset: 0, batch: builder.build(START_MS) });
  await world.clock.advance(4 * HOUR);
  expect((await world.engine.seal()).failures, 'the reply is lost').not.toEqual([]);
  losing = false;
  expect((await world.engine.seal()).failures).toEqual([]);
  expect(world.engine.stats().tiers.raw).toMatchObject({ segments: 1, segmentSamples: 300, windows: 0 });
  expect(await answered(world)).toEqual({ series: [300], warnings: [] });
});
