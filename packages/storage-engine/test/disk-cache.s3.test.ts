import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeDisk, seededRandom } from '@tidemark/base';
import { BatchBuilder, labelsOf, matcher } from '@tidemark/model';
import { type FaultyProxy, tempFolder } from '@tidemark/testkit/real';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openStorageEngine, type StorageOptions, verifyStore } from '../src/index.ts';
import { MemoryLevelStores } from '../src/sim.ts';
import { type S3World, startS3World } from './s3-world.ts';
import { KEY, START_MS, World } from './world.ts';

// Segments of a real S3 server behind a cache on a real disk.

const HOUR = 3_600_000;
const TP = { topic: 'tidemark.raw', partition: 0 };
const SAMPLES = 400;
const RIGHT = { values: Array.from({ length: SAMPLES }, (_, i) => i / 4), warnings: [] };

let world: S3World;
let proxy: FaultyProxy;
beforeAll(async () => {
  world = await startS3World();
  proxy = world.proxy;
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  proxy.decide = () => undefined;
});

/** A store with one sealed window, and a folder whose cache is empty. */
async function sealed() {
  const { store } = await world.open();
  const folder = await tempFolder('disk-cache');
  const { clock } = new World();
  const disk = nodeDisk(folder.path);
  const open = (options: Partial<StorageOptions> = {}) =>
    openStorageEngine({
      disk,
      levelStores: new MemoryLevelStores(),
      objectStore: store,
      clock,
      installationKey: KEY,
      options: { segmentDiskCacheBytes: 64 * 1024 * 1024, ...options },
    });
  const engine = await open();
  const builder = new BatchBuilder('default');
  for (let i = 0; i < SAMPLES; i++) builder.addLabels(labelsOf({ __name__: 'up' }), START_MS + i * 15_000, i / 4);
  engine.applySamples({ ...TP, offset: 0, batch: builder.build(START_MS) });
  await clock.advance(5 * HOUR);
  expect((await engine.seal()).failures).toEqual([]);
  await engine.close();
  const ask = async (from: Awaited<ReturnType<typeof open>>) => {
    const { series, warnings } = await from.source().select({
      tenant: 'default',
      matchers: [matcher('=', '__name__', 'up')],
      range: { startMs: START_MS, endMs: START_MS + 2 * HOUR },
      limits: { seriesMax: 100, samplesMax: 100_000 },
      signal: new AbortController().signal,
    });
    return { values: [...(series[0]?.values ?? [])], warnings };
  };
  /** Of a process that has nothing in memory: its answer, and how many pieces of objects it asked for. */
  const asked = async () => {
    const before = ranges();
    const fresh = await open();
    const answer = await ask(fresh);
    await fresh.close();
    return { answer, requests: ranges() - before };
  };
  return { store, folder, disk, clock, open, ask, asked, cache: join(folder.path, 'cache') };
}

const ranges = () => proxy.seen.filter(({ headers }) => headers['range'] !== undefined).length;

test('what was read once is not asked for again, in the next process neither', async () => {
  const { store, folder, asked } = await sealed();
  await using _ = folder;
  const first = await asked();
  expect(first.answer).toEqual(RIGHT);
  expect(first.requests).toBeGreaterThan(0);
  expect(await asked()).toEqual({ answer: RIGHT, requests: 0 });
  store.close();
});

test('with the server away, segments that were read are answered from', async () => {
  const { store, folder, open, ask } = await sealed();
  await using _ = folder;
  // Nothing stays in memory.
  const engine = await open({ segmentCacheBytes: 1, segmentIndexBytes: 1 });
  expect(await ask(engine)).toEqual(RIGHT);
  proxy.decide = () => ({ kind: 'refuse' });
  expect(await ask(engine)).toEqual(RIGHT);
  proxy.decide = () => undefined;
  await engine.close();
  store.close();
});

test('bytes that changed on their way are fetched again, and not kept', async () => {
  const { store, folder, cache, asked } = await sealed();
  await using _ = folder;
  const random = seededRandom(3);
  await asked();
  const [file = ''] = await readdir(cache);
  const size = Number(file.split('-')[2]);
  for (let round = 0; round < 20; round++) {
    await rm(cache, { recursive: true });
    const byte = random.below(size);
    let flips = 0;
    proxy.decide = ({ headers }) =>
      headers['range'] !== undefined && flips++ === 0 ? { kind: 'flip', of: 'answer', byte } : undefined;
    expect((await asked()).answer).toEqual(RIGHT);
    expect(flips).toBeGreaterThan(0);
    proxy.decide = () => undefined;
    expect(await asked()).toMatchObject({ answer: RIGHT });
  }
  store.close();
});

test('a damaged file costs a request; verify knows the files', async () => {
  const { store, folder, disk, clock, cache, asked } = await sealed();
  await using _ = folder;
  await asked();
  const about = async () => {
    const found: string[] = [];
    const levelStores = new MemoryLevelStores();
    for await (const { file, verdict } of verifyStore({
      disk,
      levelStores,
      objectStore: store,
      nowMs: clock.nowMs(),
    })) {
      if (file.startsWith('cache')) found.push(verdict);
      expect(verdict).not.toBe('damaged');
    }
    return found;
  };
  expect(await about()).toEqual(['ok']);
  const [file = ''] = await readdir(cache);
  const bytes = await readFile(join(cache, file));
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 4;
  await writeFile(join(cache, file), bytes);
  expect(await about()).toEqual(['orphan']);
  expect(await asked()).toEqual({ answer: RIGHT, requests: 1 });
  expect(await about()).toEqual(['ok']);
  store.close();
});
