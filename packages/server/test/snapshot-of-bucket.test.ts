import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTidemarkError, nodeDisk, SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { BatchBuilder, formatLabels, labelsOf, matcher } from '@tidemark/model';
import {
  type ObjectStore,
  openFileObjectStore,
  openStorageEngine,
  type StorageEngine,
  type Verified,
  verifyStore,
} from '@tidemark/storage-engine';
import { SimObjectStore } from '@tidemark/storage-engine/sim';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refuseWithoutRoom, takeSnapshot } from '../src/roles/snapshot.ts';
import { refuseSnapshotOf } from '../src/roles/snapshot-mark.ts';

// A snapshot of a Tidemark whose sealed data lies in a bucket, here a simulated one: what it answered then, the snapshot answers alone.

const HOUR = 3_600_000;
// A day begins.
const START_MS = 1_700_006_400_000;
const TP = { topic: 'tidemark.raw', partition: 0 };
const SHOWN = 's3://metrics/here';
const KEY = new Uint8Array(32).fill(7);

let data: string;
let bucket: SimObjectStore;
let clock: SimClock;
let engine: StorageEngine;
let offset = 0;
let beforeFetch: (() => Promise<void>) | undefined;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'tidemark-snapshot-'));
  await writeFile(join(data, 'TIDEMARK'), 'whose it is');
  await mkdir(join(data, 'store', 'cache'), { recursive: true });
  await writeFile(join(data, 'store', 'cache', 'piece'), 'of a segment');
  bucket = new SimObjectStore(seededRandom(1));
  clock = new SimClock(START_MS);
  engine = await openOn(data, watched());
  offset = 0;
});

afterEach(async () => {
  await engine.close();
  await rm(data, { recursive: true });
});

function openOn(folder: string, objectStore: ObjectStore): Promise<StorageEngine> {
  return openStorageEngine({
    disk: nodeDisk(join(folder, 'store')),
    objectStore,
    clock,
    installationKey: KEY,
    // A cache on the disk, as with a bucket.
    options: {
      compactAfterMs: 0,
      objectLeaseMs: 0,
      orphanSearchMs: 0,
      supplementAfterMs: 0,
      segmentDiskCacheBytes: 1e6,
    },
  });
}

/** Of the time that it is; what is over is sealed. */
async function live(hours: number): Promise<void> {
  for (let hour = 0; hour < hours; hour++) {
    const builder = new BatchBuilder('default');
    for (let i = 0; i < 20; i++)
      builder.addLabels(labelsOf({ __name__: 'up', host: `h${i % 4}` }), clock.nowMs() + i * 1000, offset + i / 4);
    engine.applySamples({ ...TP, offset: offset++, batch: builder.build(clock.nowMs()) });
    await clock.advance(HOUR);
    await engine.checkpoint();
    await engine.seal();
  }
}

async function answer(of: StorageEngine) {
  const { series, warnings } = await of.source().select({
    tenant: 'default',
    matchers: [matcher('=', '__name__', 'up')],
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax: 100, samplesMax: 1e6 },
    signal: new AbortController().signal,
  });
  const points = series.map(({ labels, timestampsMs, values }) => [
    formatLabels(labels),
    [...timestampsMs].map((time, i) => `${time}=${values[i]}`).join(' '),
  ]);
  return { points: Object.fromEntries(points) as Record<string, string>, warnings };
}

/** `happens` before the first piece of a segment is fetched. */
function snapshot(happens?: () => Promise<void>): Promise<{ readonly name: string }> {
  beforeFetch = happens;
  return takeSnapshot({
    dataFolder: data,
    objects: {
      store: bucket,
      shown: SHOWN,
      folder: undefined,
      slow: () => undefined,
      [Symbol.dispose]: () => undefined,
    },
    hasLog: false,
    engine,
    clock,
    random: seededRandom(3),
    logger: silentLogger,
  });
}

function watched(): ObjectStore {
  return new Proxy(bucket, {
    get(target, name) {
      const is: unknown = Reflect.get(target, name, target);
      if (name !== 'getRange') return typeof is === 'function' ? is.bind(target) : is;
      return async (...range: Parameters<ObjectStore['getRange']>) => {
        const happens = beforeFetch;
        beforeFetch = undefined;
        await happens?.();
        return await target.getRange(...range);
      };
    },
  });
}

const segments = () => bucket.names().filter((name) => name.endsWith('.seg'));

test('it has the segments that were named then, though compaction and retention go on meanwhile', async () => {
  await live(12);
  const then = await answer(engine);
  expect([Object.keys(then.points).length, then.warnings]).toEqual([4, []]);
  const named = segments();
  expect(named.length).toBeGreaterThan(3);
  let meanwhile: readonly string[] = [];
  const { name } = await snapshot(async () => {
    // A day is over: what is merged is nobody's any more.
    await live(30);
    await engine.compact();
    await engine.compact();
    meanwhile = segments();
  });
  expect(meanwhile, 'what is held stays').toEqual(expect.arrayContaining(named));
  await engine.compact();
  expect(
    named.filter((one) => segments().includes(one)),
    'what is let go goes',
  ).toEqual([]);

  const folder = join(data, 'snapshots', name);
  expect(existsSync(join(folder, 'store', 'cache'))).toBe(false);
  const objectStore = await openFileObjectStore(join(folder, 'objects'));
  const disk = nodeDisk(join(folder, 'store'));
  const found: Verified[] = [];
  for await (const one of verifyStore({ disk, objectStore, nowMs: clock.nowMs() })) found.push(one);
  expect(found.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
  const restored = await openOn(folder, objectStore);
  expect(await answer(restored)).toEqual(then);
  // It goes on by itself.
  await restored.close();
});

test('what is damaged in the bucket, or missing, is so in the snapshot, and said alike', async () => {
  await live(12);
  const [damaged, missing] = segments() as [string, string];
  bucket.flip(damaged, 1000);
  await bucket.delete(missing);
  const { name } = await snapshot();
  await engine.close();
  engine = await openOn(data, bucket);
  const now = await answer(engine);
  expect(now.warnings.length).toBeGreaterThan(0);
  const folder = join(data, 'snapshots', name);
  const restored = await openOn(folder, await openFileObjectStore(join(folder, 'objects')));
  expect(await answer(restored)).toEqual(now);
  await restored.close();
});

test('a bucket that goes away leaves nothing half, and nothing held', async () => {
  await live(12);
  const named = segments();
  const failing = snapshot(async () => {
    bucket.away = true;
  });
  await expect(failing).rejects.toSatisfy((error) => isTidemarkError(error, 'OBJECT_STORE_UNAVAILABLE'));
  expect(await readdir(join(data, 'snapshots'))).toEqual([]);
  bucket.away = false;
  await live(30);
  for (let i = 0; i < 3; i++) await engine.compact();
  expect(named.filter((one) => segments().includes(one))).toEqual([]);
});

test('a snapshot is not started on the bucket of the one it was taken of', async () => {
  await live(6);
  const { name } = await snapshot();
  const folder = join(data, 'snapshots', name);
  const refused = refuseSnapshotOf(nodeDisk(folder), folder, SHOWN);
  await expect(refused).rejects.toSatisfy((error) => isTidemarkError(error, 'SNAPSHOT_OF_BUCKET'));
  await refuseSnapshotOf(nodeDisk(folder), folder, join(folder, 'objects'));
  await refuseSnapshotOf(nodeDisk(folder), folder, 's3://metrics/another');
  await refuseSnapshotOf(nodeDisk(data), data, SHOWN);
});

test('a bucket that would fill the disk is left where it is', () => {
  refuseWithoutRoom(800, 1000);
  expect(() => refuseWithoutRoom(801, 1000)).toThrow(/take 801 bytes, 1000 are free here: a snapshot may take 80 %/);
});
