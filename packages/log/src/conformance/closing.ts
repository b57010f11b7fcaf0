import { expect, test } from 'vitest';
import type { Log, LogReader } from '../log.ts';
import type { Bench } from './suite.ts';
import { NOW, RAW, raw, rawAt, readerOf, valuesOf } from './traits.ts';

export function closingSuite({ open, world }: Bench): void {
  const closed = { code: 'LOG_CLOSED' };
  const everything = (log: Log): Promise<unknown>[] => [
    log.append([raw(0, 'a')]),
    log.append([]),
    log.ensureTopics([RAW]),
    log.topics(),
    log.bounds(RAW.name),
    log.openReader({ group: 'g', from: [{ ...rawAt(0), offset: 'earliest' }] }),
    log.commit('g', [{ ...rawAt(0), offset: 0 }]),
    log.committed('g', [rawAt(0)]),
    log.forget('g'),
    log.openProducer({ transactionalId: 'task 0' }),
    log.joinGroup({ group: 'g', topics: [RAW.name] }),
  ];
  const everythingOf = (reader: LogReader): (() => unknown)[] => [
    () => reader.seek({ ...rawAt(0), offset: 0 }),
    () => reader.pause([rawAt(0)]),
    () => reader.resume([rawAt(0)]),
    () => reader.positions(),
  ];

  /** A producer, a transaction it has open, and a member of a group. */
  const claimsOn = async (log: Log) => {
    const producer = await log.openProducer({ transactionalId: 'task 0' });
    const other = await log.openProducer({ transactionalId: 'task 1' });
    const transaction = await other.begin();
    await transaction.append([raw(0, 'never')]);
    const member = await log.joinGroup({ group: 'members', topics: [RAW.name] });
    await member.next();
    const calls: (() => Promise<unknown>)[] = [
      () => producer.begin(),
      () => transaction.append([raw(0, 'never')]),
      () => transaction.sendOffsets('g', []),
      () => transaction.commit(),
      () => member.next(),
      () => member.commit([]),
    ];
    const close = async () => {
      await transaction.abort();
      await producer.close();
      await other.close();
      await member.close();
    };
    return { calls, close, waiting: member.next() };
  };

  test('producers, transactions and members of a closed or closing log refuse everything but their end', async () => {
    const log = await open();
    const claims = await claimsOn(log);
    const waited = expect(claims.waiting).rejects.toMatchObject(closed);
    const closing = log.close();
    for (const call of claims.calls) await expect(call()).rejects.toMatchObject(closed);
    await closing;
    await waited;
    for (const call of claims.calls) await expect(call()).rejects.toMatchObject(closed);
    await claims.close();
    expect(await valuesOf(await world().open(), RAW.name)).toEqual([]);
  });

  test('a closing log finishes the commit of a transaction that is under way', async () => {
    const log = await open();
    const transaction = await (await log.openProducer({ transactionalId: 'task 0' })).begin();
    await transaction.append([raw(0, 'a'), raw(1, 'b')]);
    const committing = transaction.commit();
    const closing = log.close();
    expect(await committing).toEqual([0, 0]);
    await closing;
    expect(await valuesOf(await world().open(), RAW.name, 1)).toEqual(['b']);
  });

  test('a closed log refuses everything but close', async () => {
    const log = await open();
    const reader = await readerOf(log, 'g', 0, 'earliest');
    await log.close();
    await log.close();
    for (const call of everything(log)) await expect(call).rejects.toMatchObject(closed);
    await expect(reader.fetch(NOW)).rejects.toMatchObject(closed);
    for (const call of everythingOf(reader)) expect(call).toThrow(expect.objectContaining(closed));
    await reader.close();
  });

  test('a closing log refuses everything, and finishes what is under way', async () => {
    const log = await open();
    const underWay = [log.append([raw(0, 'a')]), log.append([raw(0, 'b')])];
    const closing = log.close();
    const again = log.close();
    for (const call of everything(log)) await expect(call).rejects.toMatchObject(closed);
    expect(await Promise.all(underWay)).toEqual([[0], [1]]);
    await closing;
    await again;
    expect(await valuesOf(await world().open(), RAW.name)).toEqual(['a', 'b']);
  });

  test('a waiting fetch ends when the log or its reader closes', async () => {
    const log = await open();
    const [one, two] = await Promise.all([readerOf(log, 'g', 0, 'latest'), readerOf(log, 'g', 1, 'latest')]);
    const waiting = [one, two].map((reader) => reader.fetch({ maxBytes: 1, maxWaitMs: 60_000 }));
    const ends = Promise.all(waiting.map((fetch) => expect(fetch).rejects.toMatchObject(closed)));
    await one.close();
    await one.close();
    await log.close();
    await ends;
  });

  test('a closed reader refuses everything, and the log goes on', async () => {
    const log = await open();
    const reader = await readerOf(log, 'g', 0, 'earliest');
    await reader.close();
    await expect(reader.fetch(NOW)).rejects.toMatchObject(closed);
    for (const call of everythingOf(reader)) expect(call).toThrow(expect.objectContaining(closed));
    expect(await log.append([raw(0, 'a')])).toEqual([0]);
  });

  test('one fetch at a time', async () => {
    const log = await open();
    const reader = await readerOf(log, 'g', 0, 'latest');
    const first = reader.fetch({ maxBytes: 1, maxWaitMs: 60_000 });
    await expect(reader.fetch(NOW)).rejects.toThrow('once at a time');
    await log.append([raw(0, 'a')]);
    expect(await first).toHaveLength(1);
  });
}
