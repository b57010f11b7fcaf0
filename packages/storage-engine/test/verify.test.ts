import { isTidemarkError } from '@tidemark/base';
import { BatchBuilder, labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { type Verified, verifyStore } from '../src/index.ts';
import { World } from './world.ts';

// A store against itself: whole, it is whole; hurt anywhere, the file is named.

const TP = { topic: 'tidemark.raw', partition: 0 };
const HOUR = 3_600_000;

/** Sealed and compacted segments, local windows, a head, a series file. */
async function lived(): Promise<World> {
  const world = new World();
  world.options = { compactAfterMs: 0, objectLeaseMs: 0 };
  await world.open();
  for (let offset = 0; offset < 60; offset++) {
    const builder = new BatchBuilder('default');
    for (let i = 0; i < 20; i++) {
      builder.addLabels(labelsOf({ __name__: 'up', host: `h${i}` }), world.clock.nowMs(), offset + i / 4);
    }
    world.engine.applySamples({ ...TP, offset, batch: builder.build(world.clock.nowMs()) });
    await world.clock.advance(HOUR / 2);
    await world.engine.checkpoint();
    if (offset % 4 === 3) await world.engine.seal();
  }
  await world.engine.compact();
  // A chunk that is full, of a window that is not over.
  for (let offset = 60; offset < 190; offset++) {
    const builder = new BatchBuilder('default');
    builder.addLabels(labelsOf({ __name__: 'up', host: 'often' }), world.clock.nowMs() + offset * 1000, offset);
    world.engine.applySamples({ ...TP, offset, batch: builder.build(world.clock.nowMs()) });
  }
  await world.engine.compact();
  await world.engine.close();
  return world;
}

async function verify(world: World, logEnds?: ReadonlyMap<string, number>): Promise<Verified[]> {
  const found: Verified[] = [];
  for await (const one of verifyStore({
    disk: world.disk,
    levelStores: world.levels,
    objectStore: world.objects,
    nowMs: world.clock.nowMs(),
    ...(logEnds && { logEnds }),
  })) {
    found.push(one);
  }
  return found;
}

const notOk = (found: readonly Verified[]) => found.filter(({ verdict }) => verdict !== 'ok');

test('a store that was closed is whole, and one that died too', async () => {
  const world = await lived();
  const found = await verify(world, new Map([['tidemark.raw/0', 190]]));
  expect(notOk(found)).toEqual([]);
  const kinds = ['manifests/', 'segments/', '/checkpoint-', '/series-', '/windows/'];
  for (const kind of kinds)
    expect(
      found.some(({ file }) => file.includes(kind)),
      kind,
    ).toBe(true);
  world.crash(7);
  // That the checkpoint before is gone need not have reached the disk.
  expect((await verify(world)).filter(({ verdict }) => verdict === 'damaged' || verdict === 'missing')).toEqual([]);
});

test('every bit of a segment and of a manifest counts', async () => {
  const world = await lived();
  const sizes = new Map<string, number>();
  for await (const { name, size } of world.objects.list('')) sizes.set(name, size);
  for (const [name, size] of sizes) {
    // Every bit of the small ones, some of the large.
    const step = Math.max(1, Math.floor((size * 8) / 200));
    for (let bit = 0; bit < size * 8; bit += step) {
      world.objects.flip(name, bit);
      expect(
        notOk(await verify(world)).some(({ file, verdict }) => file === name && verdict === 'damaged'),
        `${name} bit ${bit}`,
      ).toBe(true);
      world.objects.flip(name, bit);
    }
  }
}, 60_000);

test('a log that ends before what was read, an object that is gone, files that nobody names', async () => {
  const world = await lived();
  const [short] = notOk(await verify(world, new Map([['tidemark.raw/0', 189]])));
  expect(short).toMatchObject({ verdict: 'damaged', detail: 'it has read up to 190; the log ends at 189' });
  const segment = world.objects.names().find((name) => name.endsWith('.seg')) as string;
  const { bytes } = await world.objects.get(segment);
  await world.objects.delete(segment);
  await world.objects.putIfAbsent('segments/left.seg', bytes);
  await world.disk.writeAtomic('shards/tidemark.raw/0/series-000009', bytes);
  expect(notOk(await verify(world)).map(({ file, verdict }) => [verdict, file])).toEqual([
    ['orphan', 'segments/left.seg'],
    ['missing', segment],
    ['orphan', 'shards/tidemark.raw/0/series-000009'],
  ]);
});

test('while the object store is away nothing is said', async () => {
  const world = await lived();
  world.objects.away = true;
  const failed = await verify(world).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(isTidemarkError(failed, 'OBJECT_STORE_UNAVAILABLE')).toBe(true);
});
