import { BatchBuilder, labelsOf, matcher, wordsOf } from '@tidemark/model';
import { describe, expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

// LevelDB hides corruption: it hands out flipped values as if nothing were, and forgets whole writes. Here every value of a
// window is damaged or removed in turn. The engine may answer less, with a warning; it may never answer something else.

const TP = { topic: 'tidemark.raw', partition: 0 };

async function filled(): Promise<World> {
  const world = new World();
  await world.open();
  for (let offset = 0; offset < 4; offset++) {
    const builder = new BatchBuilder('default');
    for (let series = 0; series < 6; series++) {
      for (let i = 0; i < 150; i++) {
        const labels = labelsOf({ __name__: `m${series % 2}`, instance: `${offset < 2 ? 'old' : 'new'}-${series}` });
        builder.addLabels(labels, START_MS + (offset * 150 + i) * 2000, series * 1000 + i / 4);
      }
    }
    world.engine.applySamples({ ...TP, offset, batch: builder.build(START_MS) });
    await world.engine.checkpoint();
  }
  return world;
}

async function answer(world: World): Promise<{ points: Map<string, string>; warnings: readonly string[] }> {
  const { series, warnings } = await world.engine.source().select({
    tenant: 'default',
    matchers: [matcher('=~', '__name__', 'm.*')],
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax: 100, samplesMax: 1e6 },
    signal: new AbortController().signal,
  });
  const points = new Map<string, string>();
  for (const { labels, timestampsMs, values } of series) {
    const words = wordsOf(values);
    for (const [i, time] of timestampsMs.entries()) {
      points.set(`${JSON.stringify(labels)} ${time}`, `${words[i * 2]} ${words[i * 2 + 1]}`);
    }
  }
  return { points, warnings };
}

async function keysOf(world: World): Promise<Uint8Array[]> {
  const [database] = [...world.levels.databases().values()];
  return (await database?.keys().all()) ?? [];
}

const damages: readonly [string, (value: Uint8Array, turn: number) => Uint8Array | undefined][] = [
  [
    'a flipped bit',
    (value, turn) => value.map((byte, i) => (i === (turn * 37) % value.length ? byte ^ (1 << (turn & 7)) : byte)),
  ],
  ['a value cut short', (value) => value.subarray(0, value.length >> 1)],
  ['a missing value', () => undefined],
];

test.each(damages)('%s costs samples and a warning, never a wrong one', async (_, damage) => {
  const truth = (await answer(await filled())).points;
  const count = (await keysOf(await filled())).length;
  expect(count).toBeGreaterThan(8);
  for (let at = 0; at < count; at++) {
    const world = await filled();
    const [database] = [...world.levels.databases().values()];
    const key = (await keysOf(world))[at] as Uint8Array;
    const value = (await database?.get(key)) as Uint8Array;
    world.crash(1, 'written');
    const bad = damage(value, at);
    if (bad === undefined) await database?.del(key);
    else await database?.put(key, bad);
    await world.open();
    const { points, warnings } = await answer(world);
    for (const [point, bits] of points) expect(bits, `value ${at}: ${point}`).toBe(truth.get(point));
    const obsolete = points.size === truth.size;
    if (!obsolete) expect(warnings.length, `value ${at} is missed with a warning`).toBeGreaterThan(0);
  }
});

test('what is damaged takes nothing new: later samples go to a life of their own and are found', async () => {
  const world = await filled();
  const [database] = [...world.levels.databases().values()];
  const key = (await keysOf(world)).find((candidate) => candidate[8] === 0x64) as Uint8Array;
  world.crash(1, 'written');
  await database?.put(key, new Uint8Array(20));
  await world.open();
  const builder = new BatchBuilder('default');
  for (let i = 0; i < 300; i++) builder.addLabels(labelsOf({ __name__: 'm9' }), START_MS + i * 1000, i);
  world.engine.applySamples({ ...TP, offset: 4, batch: builder.build(START_MS) });
  await world.engine.checkpoint();
  expect([...world.levels.databases().keys()].length).toBe(2);
  world.crash(2);
  await world.open();
  const { points, warnings } = await answer(world);
  expect([...points.keys()].filter((point) => point.includes('m9')).length).toBe(300);
  expect(warnings.length).toBeGreaterThan(0);
});

describe('a window that cannot be sealed while a later life of it is', () => {
  async function sealedAround(damage: 'all' | 'one'): Promise<World> {
    const world = await filled();
    const [database] = [...world.levels.databases().values()];
    const keys = await keysOf(world);
    world.crash(1, 'written');
    if (damage === 'all') for (const key of keys) await database?.del(key);
    else for (const key of keys) if (key[8] === 0x64) await database?.put(key, new Uint8Array(20));
    await world.open();
    const builder = new BatchBuilder('default');
    for (let i = 0; i < 300; i++) builder.addLabels(labelsOf({ __name__: 'm9' }), START_MS + i * 1000, i);
    world.engine.applySamples({ ...TP, offset: 4, batch: builder.build(START_MS) });
    await world.engine.checkpoint();
    await world.clock.advance(5 * 3_600_000);
    const { windows, failures } = await world.engine.seal({ supplementsToo: true });
    expect([windows.map(({ sequence }) => sequence), failures]).toEqual([[1], []]);
    return world;
  }

  const firstLife = (world: World) => [...world.levels.databases().keys()].filter((path) => path.endsWith('_0000'));

  test.each(['all', 'one'] as const)('stays with its warnings over restarts and checkpoints (%s)', async (damage) => {
    const world = await sealedAround(damage);
    const before = await answer(world);
    expect(before.warnings.length).toBeGreaterThan(0);
    for (let offset = 5; offset < 8; offset++) {
      world.crash(offset);
      await world.open();
      const after = await answer(world);
      expect(after.points).toEqual(before.points);
      expect(after.warnings.length).toBeGreaterThan(0);
      expect(firstLife(world).length).toBe(1);
      world.engine.advance(TP, offset + 1);
      await world.engine.checkpoint();
      await world.engine.seal();
    }
  });

  test('stays when the manifest is learned late', async () => {
    const world = await sealedAround('all');
    world.crash(5);
    world.objects.away = true;
    await world.open();
    world.objects.away = false;
    await world.engine.seal();
    expect(firstLife(world).length).toBe(1);
    expect((await answer(world)).warnings).toEqual([expect.stringContaining('cannot be read')]);
  });

  test('leaves what it had to be read again from the log, should the disk be lost', async () => {
    const world = await sealedAround('all');
    const { points } = await answer(await filled());
    world.loseDisk();
    await world.open();
    const builder = new BatchBuilder('default');
    builder.addLabels(labelsOf({ __name__: 'm0', instance: 'old-0' }), START_MS, 0);
    world.engine.applySamples({ ...TP, offset: 0, batch: builder.build(START_MS) });
    const again = await answer(world);
    const point = [...points.keys()].find((key) => key.includes('old-0') && key.endsWith(` ${START_MS}`)) as string;
    expect(again.points.get(point)).toBe(points.get(point));
  });
});

test('a window of which every block is lost is not sealed into nothing: its warnings stay', async () => {
  const world = await filled();
  // Over, and all of it in its database.
  await world.clock.advance(5 * 3_600_000);
  world.objects.away = true;
  await world.engine.seal();
  world.objects.away = false;
  const [database] = [...world.levels.databases().values()];
  for (const key of await keysOf(world)) if (key[8] === 0x62) await database?.del(key);
  world.crash(1, 'written');
  await world.open();
  for (let seed = 2; seed < 4; seed++) {
    await world.engine.seal({ supplementsToo: true });
    expect((await answer(world)).warnings).toContainEqual(expect.stringContaining('is missing'));
    world.crash(seed);
    await world.open();
  }
});

test('late samples taken while the manifest is unknown outlive the learning of it', async () => {
  const world = await filled();
  await world.clock.advance(5 * 3_600_000);
  expect((await world.engine.seal()).windows.length).toBe(1);
  await world.engine.checkpoint();
  world.crash(1);
  world.objects.away = true;
  await world.open();
  const builder = new BatchBuilder('default');
  for (let i = 0; i < 300; i++) builder.addLabels(labelsOf({ __name__: 'm9' }), START_MS + i * 1000, i);
  world.engine.applySamples({ ...TP, offset: 4, batch: builder.build(START_MS) });
  await world.engine.checkpoint();
  world.objects.away = false;
  const late = async () => [...(await answer(world)).points.keys()].filter((point) => point.includes('m9')).length;
  for (let seed = 2; seed < 5; seed++) {
    await world.engine.seal({ supplementsToo: true });
    expect(await late()).toBe(300);
    world.crash(seed);
    await world.open();
    expect(await late()).toBe(300);
  }
});
