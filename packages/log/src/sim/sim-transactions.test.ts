import { SimClock } from '@tidemark/base';
import { expect, test } from 'vitest';
import { NOW, RAW, raw, rawAt, readerOf, valuesOf } from '../conformance/traits.ts';
import { SimLog } from './sim-log.ts';

// What a transaction's user must survive, to order.

async function simLog(): Promise<SimLog> {
  const log = new SimLog({ clock: new SimClock(1_700_000_000_000) });
  await log.ensureTopics([RAW]);
  return log;
}

async function withTransaction(log: SimLog, value: string) {
  const producer = await log.openProducer({ transactionalId: 'task 0' });
  const transaction = await producer.begin();
  await transaction.append([raw(0, value), raw(1, value)]);
  await transaction.sendOffsets('g', [{ ...rawAt(0), offset: 0 }]);
  return { producer, transaction };
}

test('a commit whose answer is lost: the outcome is unknown, the producer of no more use, and reading back says', async () => {
  for (const when of ['before', 'after'] as const) {
    const log = await simLog();
    const { producer, transaction } = await withTransaction(log, 'a');
    log.faults.failNextCommit({ when });
    await expect(transaction.commit()).rejects.toMatchObject({ code: 'LOG_OUTCOME_UNKNOWN' });
    await expect(producer.begin()).rejects.toMatchObject({ code: 'LOG_OUTCOME_UNKNOWN' });
    await log.openProducer({ transactionalId: 'task 0' });
    const there = when === 'after';
    expect(await valuesOf(log, RAW.name, 1)).toEqual(there ? ['a'] : []);
    expect(await log.committed('g', [rawAt(0)])).toHaveLength(there ? 1 : 0);
  }
});

test('a commit refused as ordered: fenced, or full and aborted for certain', async () => {
  const log = await simLog();
  const first = await withTransaction(log, 'a');
  log.faults.failNextCommit({ when: 'before', code: 'LOG_FENCED' });
  await expect(first.transaction.commit()).rejects.toMatchObject({ code: 'LOG_FENCED' });
  await expect(first.producer.begin()).rejects.toMatchObject({ code: 'LOG_FENCED' });
  const second = await withTransaction(log, 'b');
  log.faults.failNextCommit({ when: 'before', code: 'LOG_FULL' });
  await expect(second.transaction.commit()).rejects.toMatchObject({ code: 'LOG_FULL' });
  await (await second.producer.begin()).commit();
  expect(await valuesOf(log, RAW.name)).toEqual([]);
});

test('a slow commit: nothing of it is seen before its time, and the next owner waits for it', async () => {
  const clock = new SimClock(1_700_000_000_000);
  const log = new SimLog({ clock });
  await log.ensureTopics([RAW]);
  const { transaction } = await withTransaction(log, 'a');
  log.faults.commitDelayMs = 500;
  const committing = transaction.commit();
  const opening = log.openProducer({ transactionalId: 'task 0' });
  let opened = false;
  void opening.then(() => {
    opened = true;
  });
  // The clock is set before time passes.
  await clock.advance(0);
  await clock.advance(400);
  expect(opened).toBe(false);
  expect(await valuesOf(log, RAW.name)).toEqual([]);
  await clock.advance(200);
  expect(await committing).toEqual([0, 0]);
  await opening;
  expect(await valuesOf(log, RAW.name)).toEqual(['a']);
});

test('control records: offsets have gaps, readers go over them, and nothing is missing', async () => {
  const log = await simLog();
  log.faults.controlRecords = true;
  const reader = await readerOf(log, 'r', 0, 'earliest');
  const producer = await log.openProducer({ transactionalId: 'task 0' });
  for (const value of ['a', 'b']) {
    const transaction = await producer.begin();
    await transaction.append([raw(0, value)]);
    await transaction.commit();
  }
  const [part] = await reader.fetch(NOW);
  expect(part?.records.map(({ offset }) => offset)).toEqual([0, 2]);
  expect(reader.positions()).toEqual([{ ...rawAt(0), offset: 4 }]);
});
