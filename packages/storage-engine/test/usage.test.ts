import { BatchBuilder, labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

// What tenants have, and what it takes.

const RAW = { topic: 'tidemark.raw', partition: 0 };
const HOUR = 3_600_000;
const MINUTE = 60_000;

class Story {
  readonly world = new World();
  #offset = 0;

  say(tenant: string, metric: string, hosts: number, atMs = this.world.clock.nowMs()): void {
    const builder = new BatchBuilder(tenant);
    for (let host = 0; host < hosts; host++) {
      builder.addLabels(labelsOf({ __name__: metric, host: `h${host}` }), atMs, Math.sqrt(host + atMs));
    }
    this.world.engine.applySamples({ ...RAW, offset: this.#offset++, batch: builder.build(atMs) });
  }

  active(): Record<string, number> {
    return Object.fromEntries(this.world.engine.activeSeries());
  }

  usage(tenant: string, limit = 10) {
    return this.world.engine.usage({ tenant, limit, signal: new AbortController().signal });
  }
}

test('a series is active for ten minutes after its newest sample, through seals and crashes', async () => {
  const story = new Story();
  const { world } = story;
  await world.open();
  story.say('a', 'up', 5);
  story.say('b', 'up', 3);
  expect(story.active()).toEqual({ a: 5, b: 3 });
  await world.clock.advance(10 * MINUTE);
  story.say('b', 'up', 2);
  story.say('b', 'other', 4, world.clock.nowMs() - HOUR);
  expect(story.active()).toEqual({ a: 5, b: 3 });
  await world.clock.advance(1);
  expect(story.active()).toEqual({ a: 0, b: 2 });
  await world.engine.checkpoint();
  world.crash(1);
  await world.open();
  expect(story.active()).toEqual({ a: 0, b: 2 });
  expect(world.metrics.expose()).toContain('tidemark_storage_active_series{tenant="b"} 2');
  await world.clock.advance(5 * HOUR);
  await world.engine.seal();
  expect(Object.values(story.active()).every((count) => count === 0)).toBe(true);
});

test('bytes and samples of each metric, wherever they lie, are those of its tenant', async () => {
  const story = new Story();
  const { world } = story;
  await world.open();
  for (let i = 0; i < 600; i++) {
    story.say('a', 'large', 8);
    story.say('a', 'small', 1);
    story.say('b', 'small', 2);
    await world.clock.advance(15_000);
    if (i % 100 === 99) await world.engine.checkpoint();
  }
  await world.engine.checkpoint();
  const early = await story.usage('a');
  expect(early.metrics.map(({ metric }) => metric)).toEqual(['large', 'small']);
  await world.clock.advance(5 * HOUR);
  expect((await world.engine.seal()).failures).toEqual([]);
  const { metrics, count, tiers, warnings } = await story.usage('a');
  expect([count, warnings]).toEqual([2, []]);
  expect(metrics.map(({ metric, tiers: { raw } }) => [metric, raw.samples])).toEqual([
    ['large', 4800],
    ['small', 600],
  ]);
  const [large, small] = metrics.map(({ bytes }) => bytes) as [number, number];
  expect(large / small).toBeGreaterThan(6);
  expect(large / small).toBeLessThan(10);
  expect(tiers).toEqual({
    raw: { bytes: large + small, samples: 5400 },
    '1m': { bytes: 0, samples: 0 },
    '1h': { bytes: 0, samples: 0 },
  });
  // All tenants' parts are nearly all of the objects.
  const others = (await story.usage('b')).tiers.raw;
  const { segmentBytes, segmentSamples } = world.engine.stats().tiers.raw;
  expect(segmentSamples).toBe(5400 + others.samples);
  expect(large + small + others.bytes).toBeLessThan(segmentBytes);
  expect(large + small + others.bytes).toBeGreaterThan(segmentBytes * 0.7);
  expect((await story.usage('a', 1)).metrics.map(({ metric }) => metric)).toEqual(['large']);
  expect(await story.usage('nobody')).toMatchObject({ metrics: [], count: 0 });
  world.objects.away = true;
  world.crash(1);
  await world.open();
  expect((await story.usage('a')).count).toBe(0);
  expect(START_MS).toBeLessThan(world.clock.nowMs());
});

test('it ends when nobody waits for it', async () => {
  const story = new Story();
  await story.world.open();
  story.say('a', 'up', 5);
  await story.world.clock.advance(5 * HOUR);
  await story.world.engine.seal();
  const gone = AbortSignal.abort(new Error('gone'));
  await expect(story.world.engine.usage({ tenant: 'a', limit: 1, signal: gone })).rejects.toThrow('gone');
});
