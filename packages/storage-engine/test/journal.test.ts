import { type Processes, SelfMetrics, SimClock, seededRandom } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { BatchBuilder, labelsOf, makeRowColumns, matcher, type RowBatch, type SampleBatch } from '@tidemark/model';
import { beforeEach, expect, test } from 'vitest';
import {
  type Fact,
  inspectFile,
  isInspectable,
  type JournaledEngine,
  type JournalOptions,
  openJournaledEngine,
  type StorageOptions,
  type Verified,
  verifyStore,
} from '../src/index.ts';
import { MemoryLevelStores, SimObjectStore } from '../src/sim.ts';
import { isCode } from './journal/story.ts';
import { KEY, START_MS } from './world.ts';

// What an embedder is promised of a journal, one promise a test; dying anywhere is journal-crash.fuzz.test.ts.

const HOUR = 3_600_000;

let disk: SimDisk;
let levels: MemoryLevelStores;
let objects: SimObjectStore;
let clock: SimClock;
let metrics: SelfMetrics;

beforeEach(() => {
  disk = new SimDisk();
  levels = new MemoryLevelStores();
  objects = new SimObjectStore(seededRandom(1));
  clock = new SimClock(START_MS);
});

function open(
  journal: Partial<JournalOptions> = {},
  options: Partial<StorageOptions> = {},
  processes?: Processes,
): Promise<JournaledEngine> {
  metrics = new SelfMetrics();
  return openJournaledEngine({
    disk,
    levelStores: levels,
    objectStore: objects,
    clock,
    installationKey: KEY,
    random: seededRandom(2),
    options,
    metrics,
    journal,
    ...(processes && { processes }),
  });
}

function batch(value: number, timeMs = START_MS + value * 1000): SampleBatch {
  const builder = new BatchBuilder('default');
  builder.addLabels(labelsOf({ __name__: 'up' }), timeMs, value);
  return builder.build(START_MS);
}

function many(from: number, to: number): SampleBatch {
  const builder = new BatchBuilder('default');
  for (let i = from; i <= to; i++) builder.addLabels(labelsOf({ __name__: 'up' }), START_MS + i * 1000, i);
  return builder.build(START_MS);
}

function row(count: number): RowBatch {
  const rows = makeRowColumns(1);
  for (const name of ['endMs', 'firstMs', 'lastMs'] as const) rows[name][0] = START_MS - (START_MS % 60_000) + 120_000;
  rows.count[0] = count;
  return { tenant: 'default', resolution: '1m', admittedAtMs: START_MS, series: batch(0).series, rows };
}

async function values(engine: JournaledEngine): Promise<number[]> {
  const { series } = await engine.source().select(request());
  return series.flatMap((one) => [...one.values]);
}

const request = () => ({
  tenant: 'default',
  matchers: [matcher('=', '__name__', 'up')],
  range: { startMs: 0, endMs: START_MS * 2 },
  limits: { seriesMax: 10, samplesMax: 1000 },
  signal: new AbortController().signal,
});

function metric(name: string): number {
  const found = new RegExp(`^tidemark_storage_journal_${name} (.*)$`, 'm').exec(metrics.expose())?.[1];
  if (found === undefined) throw new Error(`no metric ${name}`);
  return Number(found);
}

/** The process dies; the disk keeps what was synced. */
function die(): void {
  disk = disk.crash({ seed: 1, keep: 'synced' });
  levels.crash();
}

test('what append resolved for is there after a crash, samples, rows and deletes', async () => {
  const engine = await open();
  expect(await engine.append(batch(1))).toBe(0);
  expect(await engine.append(row(7))).toBe(1);
  await engine.append(batch(2));
  await engine.delete({
    tenant: 'default',
    selectors: [[matcher('=', '__name__', 'up')]],
    startMs: Number.NEGATIVE_INFINITY,
    endMs: START_MS + 1000,
  });
  await engine.append(batch(3));
  die();
  const next = await open();
  expect(await values(next)).toEqual([2, 3]);
  const range = { startMs: 0, endMs: START_MS + HOUR };
  const rows = await next.source().selectRows({ ...request(), range, resolution: '1m' });
  expect(rows.series.map((one) => one.rows.count[0])).toEqual([7]);
  expect([metric('replayed_records_total'), metric('lost_records_total')]).toEqual([5, 0]);
});

test('before the sync nobody is told, and nobody sees it', async () => {
  const engine = await open();
  let synced = false;
  disk.beforeChange = async (call) => {
    if (call !== 'sync') return;
    await Promise.resolve();
    expect(await values(engine)).toEqual([]);
    synced = true;
  };
  await engine.append(batch(1)).then(() => expect(synced).toBe(true));
  expect(await values(engine)).toEqual([1]);
});

test('a hundred that come at once go with two syncs', async () => {
  const engine = await open();
  const before = disk.syncCount;
  await Promise.all(Array.from({ length: 100 }, (_, i) => engine.append(batch(i))));
  expect(disk.syncCount - before).toBeLessThanOrEqual(2);
  expect(await values(engine)).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test('files go when two checkpoints have all of them', async () => {
  const engine = await open({ fileBytesMax: 1000 });
  for (let i = 0; i < 50; i++) await engine.append(batch(i));
  const full = metric('files');
  expect(full).toBeGreaterThan(3);
  await engine.checkpoint();
  expect(metric('files')).toBe(full);
  await engine.checkpoint();
  expect(metric('files')).toBe(1);
  expect(await disk.list('journal')).toEqual([expect.stringContaining('journal-'), 'lock']);
  die();
  expect((await values(await open())).length).toBe(50);
  expect(metric('replayed_records_total')).toBe(0);
});

test('the newest checkpoint damaged, the journal has what lies between it and the one before', async () => {
  const engine = await open({ fileBytesMax: 1 });
  for (let i = 1; i <= 3; i++) {
    await engine.append(batch(i));
    await engine.checkpoint();
  }
  await engine.append(batch(4));
  die();
  const newest = (await disk.list('shards/journal/0')).findLast((name) => name.startsWith('checkpoint-'));
  disk.flipBit(`shards/journal/0/${newest}`, 50, 1);
  const next = await open();
  expect(await values(next)).toEqual([1, 2, 3, 4]);
  expect([next.losses, metric('replayed_records_total')]).toEqual([[], 2]);
});

test('a sync that fails is not repeated: nothing more is taken until the engine is opened again', async () => {
  const engine = await open();
  await engine.append(batch(1));
  disk.failNext('sync');
  const failing = engine.append(batch(2));
  await expect(failing).rejects.toSatisfy(isCode('JOURNAL_FAILED'));
  const syncs = disk.syncCount;
  await expect(engine.append(batch(3))).rejects.toSatisfy(isCode('JOURNAL_FAILED'));
  expect([disk.syncCount, metric('failed')]).toEqual([syncs, 1]);
  expect(await values(engine), 'reads go on').toEqual([1]);
  await engine.close();
  const next = await open();
  expect([1, 2]).toEqual(expect.arrayContaining(await values(next)));
  await next.append(batch(4));
  die();
  expect(await values(await open())).toEqual(expect.arrayContaining([1, 4]));
});

test('what the system only had in memory after a failed sync is written again before anybody relies on it', async () => {
  const engine = await open();
  disk.failNext('sync');
  await expect(engine.append(batch(1))).rejects.toSatisfy(isCode('JOURNAL_FAILED'));
  await engine.close();
  // The same machine: what was written is read back, synced or not.
  expect(await values(await open())).toEqual([1]);
  die();
  expect(await values(await open())).toEqual([1]);
});

test('a full disk refuses, and the journal goes on when there is room', async () => {
  const engine = await open();
  await engine.append(batch(1));
  disk.capacityBytes = disk.usedBytes + 20;
  await expect(engine.append(batch(2))).rejects.toSatisfy(isCode('DISK_FULL'));
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await engine.append(batch(3));
  die();
  expect(await values(await open())).toEqual([1, 3]);
});

test('everything has a limit', async () => {
  const small = await open({ recordBytesMax: 10 });
  await expect(small.append(batch(1))).rejects.toSatisfy(isCode('JOURNAL_RECORD_TOO_LARGE'));
  await small.close();
  const engine = await open({ waitingBytesMax: 300, bytesMax: 2000, fileBytesMax: 500 });
  const many = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => engine.append(batch(i))));
  const refused = many.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  expect(refused.length).toBeGreaterThan(10);
  expect(refused.every(isCode('STORAGE_OVERLOADED'))).toBe(true);
  const fill = async () => {
    for (let i = 0; i < 100; i++) await engine.append(batch(i));
  };
  await expect(fill()).rejects.toSatisfy(isCode('STORAGE_OVERLOADED'));
  expect(engine.checkpointDue()).toBe(true);
  await engine.checkpoint();
  await engine.checkpoint();
  await engine.append(batch(100));
  expect(metrics.expose()).toContain('tidemark_storage_journal_refused_total{reason="full"} 1');
});

test('where the engine has no room, a checkpoint makes some; where none succeeds, the record waits on the disk', async () => {
  const engine = await open({}, { pendingBytesMax: 1 });
  const checkpoints = () => /checkpoint_seconds_count (.*)/.exec(metrics.expose())?.[1];
  // A chunk is finished.
  await engine.append(many(0, 300));
  await engine.append(batch(300));
  expect(checkpoints()).toBe('1');
  await engine.append(many(301, 600));
  disk.failNext('rename');
  disk.failNext('rename');
  await expect(engine.append(batch(601))).rejects.toSatisfy(isCode('DISK_IO'));
  await expect(engine.append(batch(602)), 'it must not pass the one that waits').rejects.toSatisfy(isCode('DISK_IO'));
  expect((await values(engine)).length).toBe(601);
  await engine.append(batch(603));
  expect((await values(engine)).slice(-3)).toEqual([600, 601, 603]);
  die();
  expect((await values(await open({}, { pendingBytesMax: 1 }))).slice(-3)).toEqual([600, 601, 603]);
});

test('a journal that is gone begins behind all that is known, so that nothing new is taken for something old', async () => {
  const engine = await open();
  for (let i = 0; i < 5; i++) await engine.append(batch(i));
  await clock.advance(5 * HOUR);
  await engine.seal();
  await engine.close();
  await disk.removeFolder('journal');
  await disk.removeFolder('shards');
  levels = new MemoryLevelStores();
  const next = await open();
  expect(await next.append(batch(9))).toBe(5);
  expect(await values(next)).toEqual([0, 1, 2, 3, 4, 9]);
});

test('while it is not known what is sealed, a journal that begins takes nothing', async () => {
  objects.away = true;
  await expect(open()).rejects.toSatisfy(isCode('STORAGE_MANIFEST_UNKNOWN'));
  objects.away = false;
  const engine = await open();
  await engine.append(batch(1));
  await engine.close();
  objects.away = true;
  const next = await open();
  await next.append(batch(2));
  await expect(next.append(row(1)), 'of minutes nothing is known').rejects.toSatisfy(
    isCode('STORAGE_MANIFEST_UNKNOWN'),
  );
  expect(await values(next)).toEqual([1, 2]);
});

test('closed, it takes nothing, and closing twice is fine', async () => {
  const engine = await open();
  const last = engine.append(batch(1));
  await Promise.all([engine.close(), last]);
  await engine.close();
  await expect(engine.append(batch(2))).rejects.toSatisfy(isCode('STORAGE_CLOSED'));
  expect(await values(await open())).toEqual([1]);
});

test('another process that has the folder is left alone; so is another engine of this one', async () => {
  const engine = await open();
  await expect(open()).rejects.toSatisfy(isCode('JOURNAL_IN_USE'));
  await engine.close();
  await disk.writeAtomic('journal/lock', new TextEncoder().encode('pid 7 started then\n'));
  const others = (alive: boolean) => ({ self: { pid: 1, started: 'now' }, isAlive: () => Promise.resolve(alive) });
  await expect(open({}, {}, others(true))).rejects.toSatisfy(isCode('JOURNAL_IN_USE'));
  await (await open({}, {}, others(false))).close();
});

test('opening and closing leaves no files behind', async () => {
  for (let i = 0; i < 5; i++) await (await open()).close();
  expect(await disk.list('journal')).toEqual(['journal-00000001']);
});

test('a file explains itself, and is verified', async () => {
  const engine = await open();
  await engine.append(batch(1));
  await engine.append(row(1));
  await engine.close();
  const name = 'journal/journal-00000001';
  expect(isInspectable(name)).toBe(true);
  const facts: Fact[] = [];
  for await (const fact of inspectFile(name, await disk.read(name))) facts.push(fact);
  expect(facts).toMatchObject([
    { what: 'journal', number: 1, first: 0 },
    { what: 'record', kind: 'samples', sequence: 0, samples: 1 },
    { what: 'record', kind: 'minutes', sequence: 1, rows: 1 },
    { what: 'mark', sequence: 2 },
  ]);
  const verified = async () => {
    const found: Verified[] = [];
    const parts = { disk, levelStores: levels, objectStore: objects, nowMs: START_MS };
    for await (const one of verifyStore(parts)) found.push(one);
    return found.find(({ file }) => file === name);
  };
  expect(await verified()).toEqual({ file: name, verdict: 'ok', detail: '2 records' });
  disk.flipBit(name, 100, 3);
  expect(await verified()).toMatchObject({ verdict: 'damaged' });
});
