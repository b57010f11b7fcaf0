import { type Logger, silentLogger } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { expect, test } from 'vitest';
import { ALERTS, bytesOf, NOW, RAW, raw, rawAt, readerOf, valuesIn, valuesOf } from '../src/conformance/traits.ts';
import { diskOf, FIRST, FOLDER, filesOf, journalOf, metric, openOn } from './disks.ts';

// A disk that is full, slow or failing while the log is in use; and what the log says about itself.

const big = (value: string, length: number) => ({ ...raw(0, ''), value: bytesOf(value.padEnd(length, '.')) });

test('a full disk refuses, keeps what was acknowledged, and goes on when there is room', async () => {
  const disk = new SimDisk({ capacityBytes: 4000 });
  const { log, metrics } = await openOn(disk);
  await log.ensureTopics([RAW]);
  const acknowledged: string[] = [];
  let refused = 0;
  for (let i = 0; i < 30; i++) {
    try {
      await log.append([big(`${i}`, 300)]);
      acknowledged.push(`${i}`);
    } catch (error) {
      expect(error).toMatchObject({ code: 'LOG_FULL' });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(10);
  expect(acknowledged.length).toBeGreaterThan(5);
  const numbers = async (from: typeof log) =>
    (await valuesOf(from, RAW.name)).map((value) => value?.replaceAll('.', ''));
  expect(await numbers(log)).toEqual(acknowledged);
  disk.capacityBytes = 8000;
  expect(await log.append([big('again', 300)])).toEqual([acknowledged.length]);
  const after = disk.crash({ seed: 3, keep: 'torn' });
  const reopened = await openOn(after);
  expect(await numbers(reopened.log)).toEqual([...acknowledged, 'again']);
  expect(metrics.expose()).toContain(`tidemark_log_refused_total{reason="LOG_FULL"} ${refused}`);
  await reopened.log.close();
});

test('a log whose disk is full opens, reads and closes', async () => {
  const files = await journalOf([[[0, 'a']], [[0, 'b']]], { sealed: false });
  const disk = await diskOf(files);
  const lockBytes = 40;
  disk.capacityBytes = disk.usedBytes + lockBytes;
  const { log } = await openOn(disk);
  expect(await valuesOf(log, RAW.name)).toEqual(['a', 'b']);
  await expect(log.append([raw(0, 'c'.repeat(100))])).rejects.toMatchObject({ code: 'LOG_FULL' });
  await log.commit('g', [{ ...rawAt(0), offset: 1 }]);
  await log.close();
});

test('a new file that does not fit refuses the append and leaves the old one whole', async () => {
  const disk = new SimDisk();
  const { log } = await openOn(disk, { fileBytesMax: 600 });
  await log.ensureTopics([RAW]);
  while (!((await disk.size(FIRST)) >= 600)) await log.append([raw(0, 'x'.repeat(100))]);
  const before = await valuesOf(log, RAW.name);
  disk.capacityBytes = disk.usedBytes + 20;
  await expect(log.append([raw(0, 'y')])).rejects.toMatchObject({ code: 'LOG_FULL' });
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await log.append([raw(0, 'y')]);
  expect(await valuesOf(log, RAW.name)).toEqual([...before, 'y']);
  await log.close();
  const reopened = await openOn(disk.crash({ seed: 2, keep: 'synced' }));
  expect(await valuesOf(reopened.log, RAW.name)).toEqual([...before, 'y']);
  await reopened.log.close();
});

test('a failed write is cut away: its offsets are given to others, in the next write', async () => {
  const disk = new SimDisk();
  const { log } = await openOn(disk);
  await log.ensureTopics([RAW]);
  await log.append([raw(0, 'a')]);
  disk.failNext('append', { path: FIRST });
  const failing = Promise.allSettled([log.append([raw(0, 'lost')]), log.append([raw(0, 'lost too'), raw(1, 'lost')])]);
  for (const outcome of await failing)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'LOG_IO' } });
  expect(await log.append([raw(0, 'b'), raw(1, 'c')])).toEqual([1, 0]);
  expect(await valuesOf(log, RAW.name)).toEqual(['a', 'b']);
  await log.close();
});

test('after a failed sync the log refuses appends until it is opened again; readers go on', async () => {
  const disk = new SimDisk();
  const { log } = await openOn(disk);
  await log.ensureTopics([RAW]);
  await log.append([raw(0, 'a')]);
  disk.failNext('sync', { path: FIRST });
  await expect(log.append([raw(0, 'in doubt')])).rejects.toMatchObject({ code: 'LOG_IO' });
  await expect(log.append([raw(0, 'b')])).rejects.toMatchObject({
    code: 'LOG_IO',
    message: expect.stringContaining('in doubt'),
  });
  expect(await valuesOf(log, RAW.name)).toEqual(['a']);
  await log.close();
  const reopened = await openOn(disk);
  expect((await valuesOf(reopened.log, RAW.name))[0]).toBe('a');
  await reopened.log.append([raw(0, 'c')]);
  expect((await valuesOf(reopened.log, RAW.name)).at(-1)).toBe('c');
  await reopened.log.close();
});

test('a full disk found out at the sync is a full disk, not a doubt', async () => {
  const disk = new SimDisk();
  const { log } = await openOn(disk);
  await log.ensureTopics([RAW]);
  disk.failNext('sync', { path: FIRST, code: 'DISK_FULL' });
  await expect(log.append([raw(0, 'a')])).rejects.toMatchObject({ code: 'LOG_FULL' });
  expect(await log.append([raw(0, 'b')])).toEqual([0]);
  await log.close();
});

test('appends that come while the disk is busy go together, with one sync', async () => {
  const disk = new SimDisk();
  const { log } = await openOn(disk);
  await log.ensureTopics([RAW]);
  const before = disk.syncCount;
  await Promise.all(Array.from({ length: 100 }, (_, i) => log.append([raw(i % 3, `${i}`)])));
  expect(disk.syncCount - before).toBe(1);
  const busy: Promise<unknown>[] = [];
  for (let i = 0; i < 100; i++) {
    busy.push(log.append([raw(0, `${i}`)]));
    await Promise.resolve();
  }
  await Promise.all(busy);
  expect(disk.syncCount - before).toBeLessThan(60);
  await log.close();
});

test('nothing is visible before it is on disk', async () => {
  const disk = new SimDisk();
  const { log } = await openOn(disk);
  await log.ensureTopics([RAW]);
  const reader = await readerOf(log, 'g', 0, 'earliest');
  disk.failNext('append', { path: FIRST });
  const lost = expect(log.append([raw(0, 'lost')])).rejects.toMatchObject({ code: 'LOG_IO' });
  expect(await reader.fetch(NOW)).toEqual([]);
  await lost;
  expect(await reader.fetch(NOW)).toEqual([]);
  expect((await log.bounds(RAW.name))[0]?.end).toBe(0);
  const append = log.append([raw(0, 'kept')]);
  expect(await reader.fetch(NOW)).toEqual([]);
  await append;
  expect(valuesIn(await reader.fetch(NOW))).toEqual(['kept']);
  await log.close();
});

test('a reader far behind reads back from disk what the live one got from memory', async () => {
  const { log, metrics } = await openOn(new SimDisk(), {
    tailBytesMax: 500,
    readCacheBytesMax: 400,
    fileBytesMax: 3000,
  });
  await log.ensureTopics([RAW]);
  const wanted: string[] = [];
  for (let i = 0; i < 200; i++) {
    await log.append([raw(0, `${i}`), raw(1, `other ${i}`)]);
    wanted.push(`${i}`);
  }
  expect(await valuesOf(log, RAW.name)).toEqual(wanted);
  expect(metric(metrics, 'tidemark_log_read_back_bytes_total')).toBeGreaterThan(1000);
  const before = metric(metrics, 'tidemark_log_read_back_bytes_total');
  expect(await valuesOf(log, RAW.name, 0, 199)).toEqual(['199']);
  expect(metric(metrics, 'tidemark_log_read_back_bytes_total')).toBe(before);
  await log.close();
});

test('the cap on bytes cuts off the slow, says who, and counts it', async () => {
  const warnings: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    child: () => logger,
    warn: (message, fields) => warnings.push(`${message} ${JSON.stringify(fields)}`),
  };
  const disk = new SimDisk();
  const { log, metrics } = await openOn(disk, { fileBytesMax: 1000, retainBytesMax: 5000 }, logger);
  await log.ensureTopics([RAW]);
  await readerOf(log, 'storer', 0, 'earliest');
  for (let i = 0; i < 60; i++) await log.append([big(`${i}`, 200)]);
  await log.retain();
  expect(metric(metrics, 'tidemark_log_journal_bytes')).toBeLessThanOrEqual(5000);
  expect((await log.bounds(RAW.name))[0]?.start).toBeGreaterThan(0);
  expect(warnings.join()).toContain('"groups":"storer"');
  expect(metrics.expose()).toMatch(/tidemark_log_retention_cutoff_total\{topic="test.raw"\} [1-9]/);
  await log.close();
});

test('a topic nobody reads holds bytes back only up to its cap, without an alarm', async () => {
  const disk = new SimDisk();
  const { log, metrics } = await openOn(disk, { fileBytesMax: 1000, unreadBytesMax: 4000 });
  await log.ensureTopics([RAW, ALERTS]);
  for (let i = 0; i < 60; i++) await log.append([big(`${i}`, 200)]);
  await log.retain();
  expect(metric(metrics, 'tidemark_log_journal_bytes')).toBeGreaterThan(3000);
  expect(metric(metrics, 'tidemark_log_journal_bytes')).toBeLessThan(6500);
  expect(metrics.expose()).not.toContain('tidemark_log_retention_cutoff_total{');
  await log.close();
});

test('retention runs by itself', async () => {
  const disk = new SimDisk();
  const { log, clock } = await openOn(disk, { fileBytesMax: 1000 });
  await log.ensureTopics([RAW]);
  await readerOf(log, 'g', 0, 'earliest');
  for (let i = 0; i < 30; i++) await log.append([big(`${i}`, 200)]);
  await log.commit('g', [{ ...rawAt(0), offset: 30 }]);
  await clock.advance(11_000);
  expect((await log.bounds(RAW.name))[0]?.start).toBeGreaterThan(20);
  await log.close();
});

test('positions come back no lower than what was removed, whenever the power goes', async () => {
  for (let seed = 0; seed < 25; seed++) {
    const disk = new SimDisk();
    const { log } = await openOn(disk, { fileBytesMax: 1000 });
    await log.ensureTopics([RAW]);
    await readerOf(log, 'g', 0, 'earliest');
    for (let i = 0; i < 30; i++) await log.append([big(`${i}`, 200)]);
    await log.commit('g', [{ ...rawAt(0), offset: 25 }]);
    const retaining = log.retain().catch(() => undefined);
    for (let turn = 0; turn < seed; turn++) await Promise.resolve();
    const after = disk.crash({ seed, keep: 'torn' });
    await retaining;
    const reopened = await openOn(after);
    const reader = await readerOf(reopened.log, 'g', 0, 'committed');
    expect(valuesIn(await reader.fetch(NOW)).at(-1), `seed ${seed}`).toContain('29');
    await reopened.log.close();
  }
});

test('what it says about itself', async () => {
  const { log, metrics } = await openOn(new SimDisk());
  await log.ensureTopics([RAW]);
  await log.append([raw(0, 'a'), raw(1, 'b')]);
  const page = metrics.expose();
  expect(page).toContain('tidemark_log_appended_records_total 2');
  expect(page).toContain('tidemark_log_end{topic="test.raw",partition="1"} 1');
  expect(page).toContain('tidemark_log_append_seconds_count');
  expect(page).toContain('tidemark_log_group_appends_bucket{le="1"}');
  expect(metric(metrics, 'tidemark_log_journal_files')).toBe(1);
  await log.close();
});

test('silence after a commit puts a mark down, and only one', async () => {
  const disk = new SimDisk();
  const { log, clock } = await openOn(disk);
  await log.ensureTopics([RAW]);
  await log.append([raw(0, 'a')]);
  const before = await disk.size(FIRST);
  await clock.advance(4999);
  expect(await disk.size(FIRST)).toBe(before);
  await clock.advance(10);
  expect(await disk.size(FIRST)).toBe(before + 20);
  await clock.advance(60_000);
  expect(await disk.size(FIRST)).toBe(before + 20);
  await log.close();
  expect((await filesOf(disk)).get(FIRST)?.length).toBe(before + 20);
  expect(await disk.exists(`${FOLDER}/lock`)).toBe(false);
});
