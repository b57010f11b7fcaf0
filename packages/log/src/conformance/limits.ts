import { expect, test } from 'vitest';
import type { Bench } from './suite.ts';
import { RAW, raw, rawAt, readerOf, valuesOf } from './traits.ts';

// Limits of groups and transactions; those of appends are in suite.ts, those of retention in retention.ts.

export function limitSuite({ open, supports, world }: Bench): void {
  const ID = { transactionalId: 'task 0' };

  if (supports.countsGroups) {
    test('groupsMax: one group more is refused wherever it would begin, and those known go on', async () => {
      const log = await open({ groupsMax: 2 });
      await log.append([raw(0, 'a')]);
      await log.commit('g', [{ ...rawAt(0), offset: 0 }]);
      await readerOf(log, 'h', 0, 'earliest');
      const tooMany = { code: 'LOG_TOO_MANY_GROUPS', details: { limit: 2, limitName: 'groupsMax' } };
      await expect(log.commit('i', [{ ...rawAt(0), offset: 0 }])).rejects.toMatchObject(tooMany);
      await expect(readerOf(log, 'i', 0, 'earliest')).rejects.toMatchObject(tooMany);
      await expect(log.joinGroup({ group: 'i', topics: [RAW.name] })).rejects.toMatchObject(tooMany);
      const transaction = await (await log.openProducer(ID)).begin();
      await expect(transaction.sendOffsets('i', [{ ...rawAt(0), offset: 0 }])).rejects.toMatchObject(tooMany);
      await log.commit('h', [{ ...rawAt(0), offset: 1 }]);
      await log.forget('g');
      await log.commit('i', [{ ...rawAt(0), offset: 0 }]);
    });
  }

  test('groupMembersMax: one member more is refused until another leaves', async () => {
    const log = await open({ groupMembersMax: 2 });
    const options = { group: 'g', topics: [RAW.name] };
    const first = await log.joinGroup(options);
    await log.joinGroup(options);
    await expect(log.joinGroup(options)).rejects.toMatchObject({
      code: 'LOG_TOO_MANY_MEMBERS',
      details: { limit: 2, limitName: 'groupMembersMax' },
    });
    await log.joinGroup({ ...options, group: 'h' });
    await first.close();
    await log.joinGroup(options);
  });

  test('producersMax: one more is refused until another is closed; opening one again is not one more', async () => {
    const log = await open({ producersMax: 2 });
    const first = await log.openProducer({ transactionalId: 'a' });
    await log.openProducer({ transactionalId: 'b' });
    await log.openProducer({ transactionalId: 'b' });
    await expect(log.openProducer({ transactionalId: 'c' })).rejects.toMatchObject({
      code: 'LOG_TOO_MANY_PRODUCERS',
      details: { limit: 2, limitName: 'producersMax' },
    });
    await (await first.begin()).commit();
    await first.close();
    await log.openProducer({ transactionalId: 'c' });
  });

  test('transactionBytesMax: what does not fit in one is refused, and the transaction with it', async () => {
    const log = await open({ transactionBytesMax: 1000 });
    const producer = await log.openProducer(ID);
    const transaction = await producer.begin();
    await transaction.append([raw(0, 'x'.repeat(900))]);
    await expect(transaction.append([raw(0, 'x'.repeat(200))])).rejects.toMatchObject({
      code: 'LOG_TRANSACTION_TOO_LARGE',
      details: { limit: 1000, limitName: 'transactionBytesMax' },
    });
    await transaction.abort();
    const next = await producer.begin();
    await next.append([raw(0, 'fits')]);
    await next.commit();
    expect(await valuesOf(log, RAW.name)).toEqual(['fits']);
  });

  test('openTransactionBytesMax: all open ones share it, and give it back at their end', async () => {
    const log = await open({ openTransactionBytesMax: 1500 });
    const [one, two] = await Promise.all(['a', 'b'].map((transactionalId) => log.openProducer({ transactionalId })));
    const holding = await one?.begin();
    await holding?.append([raw(0, 'x'.repeat(900))]);
    const refused = await two?.begin();
    await expect(refused?.append([raw(0, 'y'.repeat(900))])).rejects.toMatchObject({
      code: 'LOG_OVERLOADED',
      details: { limit: 1500, limitName: 'openTransactionBytesMax' },
    });
    await refused?.abort();
    await holding?.commit();
    for (let i = 0; i < 3; i++) {
      const next = await two?.begin();
      await next?.append([raw(0, 'y'.repeat(900))]);
      await next?.abort();
    }
    expect(await valuesOf(log, RAW.name)).toHaveLength(1);
  });

  test('transactionMaxMs: one left open is aborted, and its producer fenced', async () => {
    const log = await open({ transactionMaxMs: 5000 });
    const producer = await log.openProducer(ID);
    const inTime = await producer.begin();
    await world().advance(4000);
    await inTime.append([raw(0, 'in time')]);
    await inTime.commit();
    await world().advance(4000);
    const late = await producer.begin();
    await late.append([raw(0, 'late')]);
    await world().advance(5001);
    const expired = { code: 'LOG_FENCED', details: { reason: 'expired' } };
    await expect(late.commit()).rejects.toMatchObject(expired);
    await expect(producer.begin()).rejects.toMatchObject(expired);
    await (await (await log.openProducer(ID)).begin()).commit();
    expect(await valuesOf(log, RAW.name)).toEqual(['in time']);
  });

  test('names of producers and groups that cannot be are refused', async () => {
    const log = await open();
    for (const name of ['', 'x'.repeat(250), '\ud800']) {
      const invalid = { code: 'LOG_NAME_INVALID' };
      await expect(log.openProducer({ transactionalId: name })).rejects.toMatchObject(invalid);
      await expect(log.joinGroup({ group: name, topics: [RAW.name] })).rejects.toMatchObject(invalid);
    }
    await expect(log.joinGroup({ group: 'g', topics: ['no.such'] })).rejects.toMatchObject({
      code: 'LOG_TOPIC_UNKNOWN',
    });
  });
}
