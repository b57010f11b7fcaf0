import { SimDisk } from '@tidemark/base/sim';
import { expect, test } from 'vitest';
import { ALERTS, alert, CONFIG, config, RAW, raw, rawAt, valuesOf } from '../src/conformance/traits.ts';
import type { EmbeddedLog } from '../src/embedded/embedded-log.ts';
import { inspectJournal, readTopicReadOnly } from '../src/embedded/inspect.ts';
import { changed, diskOf, FIRST, type Files, FOLDER, filesOf, metric, openOn } from './disks.ts';

// A transaction is one frame: what damage, a full disk and a failing one make of it.

const TOPICS = [RAW, ALERTS, CONFIG];
const ID = { transactionalId: 'task 0' };
const WITHOUT = { raw: ['before'], second: [], alerts: [], config: [], position: undefined };
const WITH = { raw: ['before', 'a'], second: ['b'], alerts: ['c'], config: ['d'], position: 1 };

/** Everything the transaction of `journal` touches. */
async function stateOf(log: EmbeddedLog) {
  const [position] = await log.committed('h', [rawAt(0)]);
  return {
    raw: await valuesOf(log, RAW.name, 0),
    second: await valuesOf(log, RAW.name, 1),
    alerts: await valuesOf(log, ALERTS.name),
    config: await valuesOf(log, CONFIG.name),
    position: position?.offset,
  };
}

/** A journal that ends with a transaction of four partitions and a position, on disk, and not yet marked. */
async function journal(): Promise<Files> {
  const disk = new SimDisk();
  const { log, clock } = await openOn(disk);
  await log.ensureTopics(TOPICS);
  const producer = await log.openProducer(ID);
  const first = await producer.begin();
  await first.append([raw(0, 'before')]);
  await first.sendOffsets('g', [{ ...rawAt(0), offset: 0 }]);
  await first.commit();
  await log.commit('g', [{ ...rawAt(0), offset: 1 }]);
  await clock.advance(2000);
  const transaction = await producer.begin();
  await transaction.append([raw(0, 'a'), raw(1, 'b'), alert('c'), config('k', 'd')]);
  await transaction.sendOffsets('h', [{ ...rawAt(0), offset: 1 }]);
  await transaction.commit();
  return filesOf(disk.crash({ seed: 1, keep: 'synced' }));
}

async function lastTransaction(files: Files): Promise<{ position: number; bytes: number }> {
  let last: { position: number; bytes: number } | undefined;
  for await (const frame of inspectJournal(await diskOf(files), FOLDER)) {
    if (frame.state === 'ok' && frame.kind === 'transaction') last = frame;
  }
  if (!last) throw new Error('no transaction');
  return last;
}

test('torn at every byte of its frame: nothing of it is there, and its offsets are given to others', async () => {
  const files = await journal();
  const { position, bytes } = await lastTransaction(files);
  for (let size = position; size <= position + bytes; size++) {
    const disk = await diskOf(changed(files, FIRST, (all) => all.subarray(0, size)));
    const { log } = await openOn(disk);
    const whole = size === position + bytes;
    expect(await stateOf(log), `cut at ${size}`).toEqual(whole ? WITH : WITHOUT);
    const next = await (await log.openProducer(ID)).begin();
    await next.append([raw(1, 'next')]);
    expect(await next.commit()).toEqual([whole ? 1 : 0]);
    await log.close();
  }
});

test('power lost while it is written, whatever the disk kept: whole or absent', async () => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 60; seed++) {
    const disk = await diskOf(await journal());
    const { log } = await openOn(disk);
    const transaction = await (await log.openProducer(ID)).begin();
    await transaction.append([raw(0, 'x'), raw(1, 'y'), alert('z'), config('k', 'w')]);
    await transaction.sendOffsets('h', [{ ...rawAt(0), offset: 2 }]);
    const committing = transaction.commit().catch(() => undefined);
    for (let turns = seed % 12; turns > 0; turns--) await Promise.resolve();
    const after = disk.crash({ seed, keep: seed % 2 === 0 ? 'torn' : 'written' });
    await committing;
    const found = await stateOf((await openOn(after)).log);
    const extra = found.raw.length - WITH.raw.length;
    seen.add(extra);
    expect(found).toEqual(
      extra === 0
        ? WITH
        : { raw: ['before', 'a', 'x'], second: ['b', 'y'], alerts: ['c', 'z'], config: ['d', 'w'], position: 2 },
    );
  }
  expect([...seen].sort()).toEqual([0, 1]);
});

test('every byte of a sealed transaction, damaged: refused', async () => {
  const files = await journal();
  const disk = await diskOf(files);
  const { log } = await openOn(disk);
  await log.close();
  const sealed = await filesOf(disk);
  const { position, bytes } = await lastTransaction(sealed);
  for (let at = position; at < position + bytes; at++) {
    const damaged = changed(sealed, FIRST, (all) => {
      all[at] = (all[at] as number) ^ (1 << (at % 8));
      return all;
    });
    await expect(openOn(await diskOf(damaged)), `byte ${at}`).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
  }
});

test('a full disk aborts it for certain, and the producer goes on', async () => {
  const disk = new SimDisk();
  const { log, metrics } = await openOn(disk);
  await log.ensureTopics(TOPICS);
  const producer = await log.openProducer(ID);
  disk.capacityBytes = disk.usedBytes + 50;
  const refused = await producer.begin();
  await refused.append([raw(0, 'x'.repeat(100))]);
  await refused.sendOffsets('g', [{ ...rawAt(0), offset: 0 }]);
  await expect(refused.commit()).rejects.toMatchObject({ code: 'LOG_FULL' });
  expect(await log.committed('g', [rawAt(0)])).toEqual([]);
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  const next = await producer.begin();
  await next.append([raw(0, 'a')]);
  expect(await next.commit()).toEqual([0]);
  expect(metrics.expose()).toContain('tidemark_log_transactions_total{outcome="aborted"} 1');
  expect(metrics.expose()).toContain('tidemark_log_transactions_total{outcome="committed"} 1');
  await log.close();
});

test('a failed sync leaves its outcome unknown: the producer is of no more use, and a reopened log says', async () => {
  const disk = new SimDisk();
  const { log } = await openOn(disk);
  await log.ensureTopics(TOPICS);
  const producer = await log.openProducer(ID);
  disk.failNext('sync', { path: FIRST });
  const transaction = await producer.begin();
  await transaction.append([raw(0, 'perhaps')]);
  const unknown = { code: 'LOG_OUTCOME_UNKNOWN' };
  await expect(transaction.commit()).rejects.toMatchObject({ ...unknown, cause: { code: 'LOG_IO' } });
  await expect(producer.begin()).rejects.toMatchObject(unknown);
  await producer.close();
  await expect(log.openProducer(ID)).rejects.toMatchObject({ code: 'LOG_IO' });
  const { log: again } = await openOn(disk.crash({ seed: 1, keep: 'written' }));
  const { epoch } = await again.openProducer(ID);
  expect(epoch).toBeGreaterThan(producer.epoch);
  expect([[], ['perhaps']]).toContainEqual(await valuesOf(again, RAW.name));
  await again.close();
});

test('positions: of a plain commit and a transaction the later one stays, over a restart too', async () => {
  for (const order of ['plain last', 'transaction last', 'forgotten between'] as const) {
    const disk = new SimDisk();
    const { log } = await openOn(disk);
    await log.ensureTopics(TOPICS);
    await log.append(Array.from({ length: 9 }, () => raw(0, 'a')));
    const transaction = await (await log.openProducer(ID)).begin();
    await transaction.sendOffsets('g', [{ ...rawAt(0), offset: 5 }]);
    if (order === 'plain last') await transaction.commit();
    await log.commit('g', [{ ...rawAt(0), offset: 3 }]);
    if (order === 'forgotten between') await log.forget('g');
    if (order !== 'plain last') await transaction.commit();
    const wanted = [{ ...rawAt(0), offset: order === 'plain last' ? 3 : 5 }];
    expect(await log.committed('g', [rawAt(0)]), order).toEqual(wanted);
    await log.close();
    const { log: again } = await openOn(disk);
    expect(await again.committed('g', [rawAt(0)]), order).toEqual(wanted);
    await again.close();
  }
});

test('a transaction counts from many files on: epochs, positions and records are there when the first files are gone', async () => {
  const disk = new SimDisk();
  const options = { fileBytesMax: 600 };
  const { log } = await openOn(disk, options);
  await log.ensureTopics([RAW]);
  const producer = await log.openProducer(ID);
  for (let i = 0; i < 40; i++) {
    const transaction = await producer.begin();
    await transaction.append([raw(0, `${i} ${'x'.repeat(60)}`), raw(1, `${i}`)]);
    await transaction.sendOffsets(
      'g',
      [0, 1].map((p) => ({ ...rawAt(p), offset: i })),
    );
    await transaction.commit();
  }
  await log.retain();
  expect((await log.bounds(RAW.name))[0]?.start).toBeGreaterThan(30);
  await log.close();
  const { log: again } = await openOn(disk, options);
  expect(await again.committed('g', [rawAt(1)])).toEqual([{ ...rawAt(1), offset: 39 }]);
  expect((await valuesOf(again, RAW.name, 1)).at(-1)).toBe('39');
  expect((await again.openProducer(ID)).epoch).toBe(2);
  await again.close();
  const read: string[] = [];
  for await (const { partition, value } of readTopicReadOnly(disk, FOLDER, RAW.name, { last: 2 })) {
    read.push(
      `${partition} ${Buffer.from(value ?? [])
        .toString()
        .slice(0, 2)}`,
    );
  }
  expect(read).toEqual(['0 39', '1 39']);
});

test('records of a transaction are read back from disk like others', async () => {
  const disk = new SimDisk();
  const { log, metrics } = await openOn(disk, { tailBytesMax: 100 });
  await log.ensureTopics([RAW]);
  const producer = await log.openProducer(ID);
  for (let i = 0; i < 10; i++) {
    const transaction = await producer.begin();
    await transaction.append([raw(0, `${i} ${'x'.repeat(60)}`), raw(1, `${i}`)]);
    await transaction.commit();
  }
  expect(await valuesOf(log, RAW.name, 1)).toEqual(Array.from({ length: 10 }, (_, i) => `${i}`));
  expect(metric(metrics, 'tidemark_log_read_back_bytes_total')).toBeGreaterThan(100);
  await log.close();
});
