import { BatchBuilder, labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { type Fact, inspectFile, inspectWindow, isInspectable } from '../src/index.ts';
import { START_MS, World } from './world.ts';

async function facts(source: AsyncIterable<Fact>): Promise<Fact[]> {
  const out: Fact[] = [];
  for await (const fact of source) out.push(fact);
  return out;
}

async function filled(): Promise<World> {
  const world = new World();
  await world.open();
  const builder = new BatchBuilder('default');
  for (let i = 0; i < 300; i++) builder.addLabels(labelsOf({ __name__: 'up' }), START_MS + i * 1000, i);
  world.engine.applySamples({ topic: 't', partition: 2, offset: 0, batch: builder.build(START_MS) });
  await world.engine.checkpoint();
  return world;
}

test('a checkpoint, its series file and its window explain themselves', async () => {
  const world = await filled();
  const names = await world.disk.list('shards/t/2');
  expect(names).toEqual(['checkpoint-0000000000000001', 'series-000000']);
  const [header, window] = await facts(
    inspectFile(names[0] as string, await world.disk.read(`shards/t/2/${names[0]}`)),
  );
  expect(header).toMatchObject({
    what: 'checkpoint',
    tier: 'raw',
    topic: 't',
    partition: 2,
    position: 1,
    seriesCount: 1,
  });
  expect(window).toMatchObject({ what: 'window', sequence: 0, generation: 1 });
  const series = await facts(inspectFile('series-000000', await world.disk.read('shards/t/2/series-000000')));
  expect(series[1]).toEqual({ what: 'series', ref: 0, tenant: 'default', labels: 'up' });
  const [path] = [...world.levels.databases().keys()] as [string];
  const told = await facts(inspectWindow('', path, world.levels));
  expect(told.map(({ what }) => what)).toEqual([
    'manifest',
    'tenant',
    'block',
    'dictionary',
    'series',
    'index',
    // The first is cut early: 16, 128, 128.
    'chunk',
    'chunk',
    'chunk',
  ]);
  expect(told.at(-1)).toMatchObject({ samples: 128, rank: 0 });
});

test('a segment and a manifest explain themselves', async () => {
  const world = await filled();
  await world.clock.advance(5 * 3_600_000);
  await world.engine.seal();
  const [manifest, copy, segment] = world.objects.names() as [string, string, string];
  expect([manifest, copy, segment].every(isInspectable)).toBe(true);
  const entries = await facts(inspectFile(manifest, (await world.objects.get(manifest)).bytes));
  expect(entries[1]).toMatchObject({ what: 'entry', object: segment, sealedThroughOffset: 0, lost: 0 });
  const told = await facts(inspectFile(segment, (await world.objects.get(segment)).bytes));
  expect(told.at(-1)).toMatchObject({ what: 'series', labels: 'up', samples: 300, firstMs: START_MS });
});

test('damage is a fact', async () => {
  const world = await filled();
  const [path] = [...world.levels.databases().keys()] as [string];
  const level = world.levels.databases().get(path);
  for (const key of (await level?.keys().all()) ?? []) await level?.put(key, new Uint8Array(9));
  const told = await facts(inspectWindow('', path, world.levels));
  expect(new Set(told.map(({ what }) => what))).toEqual(new Set(['damage']));
});
