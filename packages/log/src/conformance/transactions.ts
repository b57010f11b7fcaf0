import { expect, test } from 'vitest';
import type { Bench } from './suite.ts';
import {
  ALERTS,
  alert,
  CONFIG,
  config,
  NOW,
  RAW,
  raw,
  rawAt,
  readAll,
  readerOf,
  valuesIn,
  valuesOf,
} from './traits.ts';

const ID = { transactionalId: 'task 0' };
const fenced = { code: 'LOG_FENCED', details: { transactionalId: ID.transactionalId } };

export function transactionSuite({ open, supports, world }: Bench): void {
  test('records of several topics and positions of several groups are there after the commit, and not before', async () => {
    const log = await open();
    const waiting = (await readerOf(log, 'w', 1, 'latest')).fetch({ maxBytes: 1000, maxWaitMs: 60_000 });
    await log.append([raw(0, 'plain')]);
    const transaction = await (await log.openProducer(ID)).begin();
    await transaction.append([raw(0, 'a'), raw(1, 'b'), config('k', 'c')]);
    await transaction.sendOffsets('g', [{ ...rawAt(0), offset: 1 }]);
    await transaction.append([raw(0, 'd')]);
    await transaction.sendOffsets('h', [{ ...rawAt(1), offset: 0 }]);
    expect(await valuesOf(log, RAW.name, 0)).toEqual(['plain']);
    expect(await valuesOf(log, CONFIG.name)).toEqual([]);
    expect(await log.committed('g', [rawAt(0)])).toEqual([]);
    expect(await transaction.commit()).toEqual([1, 0, 0, 2]);
    expect(await valuesOf(log, RAW.name, 0)).toEqual(['plain', 'a', 'd']);
    expect(valuesIn(await waiting)).toEqual(['b']);
    expect(await valuesOf(log, CONFIG.name)).toEqual(['c']);
    expect(await log.committed('g', [rawAt(0)])).toEqual([{ ...rawAt(0), offset: 1 }]);
    expect(await log.committed('h', [rawAt(1)])).toEqual([{ ...rawAt(1), offset: 0 }]);
  });

  test('an aborted transaction leaves nothing, and the next one goes on', async () => {
    const log = await open();
    const producer = await log.openProducer(ID);
    const aborted = await producer.begin();
    await aborted.append([raw(0, 'never'), config('k', 'never')]);
    await aborted.sendOffsets('g', [{ ...rawAt(0), offset: 0 }]);
    await aborted.abort();
    await aborted.abort();
    const next = await producer.begin();
    await next.append([raw(0, 'a')]);
    await next.commit();
    await next.abort();
    expect(await valuesOf(log, RAW.name)).toEqual(['a']);
    expect(await valuesOf(log, CONFIG.name)).toEqual([]);
    expect(await log.committed('g', [rawAt(0)])).toEqual([]);
  });

  test('a transaction of positions alone moves them; one of nothing is nothing', async () => {
    const log = await open();
    await log.append([raw(0, 'a'), raw(0, 'b')]);
    const producer = await log.openProducer(ID);
    const moving = await producer.begin();
    await moving.sendOffsets('g', [{ ...rawAt(0), offset: 1 }]);
    await moving.sendOffsets('g', [{ ...rawAt(0), offset: 2 }]);
    expect(await moving.commit()).toEqual([]);
    expect(await log.committed('g', [rawAt(0)])).toEqual([{ ...rawAt(0), offset: 2 }]);
    expect(await (await producer.begin()).commit()).toEqual([]);
    expect(await valuesOf(log, RAW.name)).toEqual(['a', 'b']);
  });

  test('after a call that was refused only abort is left', async () => {
    const log = await open({ recordBytesMax: 1000 });
    const producer = await log.openProducer(ID);
    for (const [call, code] of [
      [(t) => t.append([raw(7, 'x')]), 'LOG_PARTITION_UNKNOWN'],
      [(t) => t.append([{ ...raw(0, 'x'), topic: 'no.such' }]), 'LOG_TOPIC_UNKNOWN'],
      [(t) => t.append([raw(0, 'x'.repeat(1001))]), 'LOG_RECORD_TOO_LARGE'],
      [(t) => t.append([{ ...raw(0, 'x'), value: null }]), 'LOG_RECORD_INVALID'],
      [(t) => t.sendOffsets('g', [{ ...rawAt(0), offset: 99 }]), 'LOG_POSITION_LOST'],
    ] as [(t: Awaited<ReturnType<typeof producer.begin>>) => Promise<void>, string][]) {
      const transaction = await producer.begin();
      await transaction.append([raw(0, 'before')]);
      await expect(call(transaction)).rejects.toMatchObject({ code });
      await expect(transaction.commit()).rejects.toMatchObject({ code: 'LOG_TRANSACTION_ABORTED' });
    }
    expect(await valuesOf(log, RAW.name)).toEqual([]);
  });

  test('one transaction at a time, and none goes on after its end', async () => {
    const log = await open();
    const producer = await log.openProducer(ID);
    const first = await producer.begin();
    await expect(producer.begin()).rejects.toThrow('one transaction at a time');
    await first.commit();
    await expect(first.append([raw(0, 'a')])).rejects.toThrow('is over');
    await expect(first.commit()).rejects.toThrow('is over');
  });

  test('many producers at once: each transaction keeps its records together, whatever else is appended', async () => {
    const log = await open();
    const producers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => log.openProducer({ transactionalId: `task ${i}` })),
    );
    await Promise.all(
      producers.map(async (producer, p) => {
        for (let i = 0; i < 10; i++) {
          const transaction = await producer.begin();
          for (let k = 0; k < 3; k++) await transaction.append([raw(0, `${p} ${i} ${k}`)]);
          await Promise.all([log.append([raw(0, 'plain')]), i % 3 === 0 ? transaction.abort() : transaction.commit()]);
        }
      }),
    );
    const values = (await valuesOf(log, RAW.name)).filter((value) => value !== 'plain');
    expect(values).toHaveLength(8 * 6 * 3);
    for (let at = 0; at < values.length; at += 3) {
      const [first = ''] = values.slice(at, at + 1);
      expect(values.slice(at, at + 3)).toEqual([0, 1, 2].map((k) => first?.replace(/0$/, String(k))));
    }
  });

  test('opening a producer again fences the former owner, and aborts what it had open', async () => {
    const log = await open();
    const former = await log.openProducer(ID);
    const leftOpen = await former.begin();
    await leftOpen.append([raw(0, 'never')]);
    const owner = await log.openProducer(ID);
    expect(owner.epoch).toBeGreaterThan(former.epoch);
    for (const call of [
      () => leftOpen.append([raw(0, 'never')]),
      () => leftOpen.sendOffsets('g', []),
      () => leftOpen.commit(),
      () => former.begin(),
    ]) {
      await expect(call()).rejects.toMatchObject(fenced);
    }
    const transaction = await owner.begin();
    await transaction.append([raw(0, 'a')]);
    await transaction.commit();
    await former.close();
    await (await owner.begin()).commit();
    expect(await valuesOf(log, RAW.name)).toEqual(['a']);
  });

  test('a former owner that commits while it is taken over is found or fenced, never later', async () => {
    const log = await open();
    for (let round = 0; round < 20; round++) {
      const former = await log.openProducer(ID);
      const transaction = await former.begin();
      await transaction.append([raw(0, `${round}`)]);
      const opening = round % 2 === 0 ? log.openProducer(ID) : undefined;
      const committing = transaction.commit().then(
        () => true,
        () => false,
      );
      await (opening ?? log.openProducer(ID));
      const found = (await valuesOf(log, RAW.name)).includes(`${round}`);
      expect(await committing).toBe(found);
      expect((await valuesOf(log, RAW.name)).includes(`${round}`)).toBe(found);
    }
  });

  test('of many that open one producer at once, one can use it', async () => {
    const log = await open();
    const opened = await Promise.allSettled(Array.from({ length: 5 }, () => log.openProducer(ID)));
    let alive = 0;
    for (const outcome of opened) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(fenced);
      else
        await outcome.value.begin().then(
          () => alive++,
          () => undefined,
        );
    }
    expect(alive).toBe(1);
  });

  test('epochs rise over close and reopen, for every id', async () => {
    const ids = ['task 0', 'task 1'];
    const last = new Map<string, number>();
    for (let round = 0; round < 4; round++) {
      const log = await open();
      for (const transactionalId of ids) {
        const { epoch } = await log.openProducer({ transactionalId });
        expect(epoch).toBeGreaterThan(last.get(transactionalId) ?? 0);
        last.set(transactionalId, epoch);
      }
      await log.close();
    }
  });

  test('a closed producer aborts what is open, waits for its commit, and refuses the rest', async () => {
    const log = await open();
    const one = await log.openProducer(ID);
    await (await one.begin()).append([raw(0, 'never')]);
    await one.close();
    await one.close();
    await expect(one.begin()).rejects.toMatchObject({ code: 'LOG_CLOSED' });
    const two = await log.openProducer(ID);
    const transaction = await two.begin();
    await transaction.append([raw(0, 'a')]);
    const committing = transaction.commit();
    await two.close();
    expect(await committing).toEqual([0]);
    expect(await valuesOf(log, RAW.name)).toEqual(['a']);
  });

  test('a committed transaction survives close and reopen, with its positions', async () => {
    const log = await open();
    const transaction = await (await log.openProducer(ID)).begin();
    await transaction.append([raw(0, 'a'), alert('b'), config('k', 'v')]);
    await transaction.sendOffsets('g', [{ ...rawAt(0), offset: 0 }]);
    await transaction.commit();
    await (await (await log.openProducer({ transactionalId: 'other' })).begin()).append([raw(0, 'never')]);
    await log.close();
    const again = await world().open();
    expect(await valuesOf(again, RAW.name)).toEqual(['a']);
    expect(await valuesOf(again, ALERTS.name)).toEqual(['b']);
    expect(await valuesOf(again, CONFIG.name)).toEqual(['v']);
    expect(await again.committed('g', [rawAt(0)])).toEqual([{ ...rawAt(0), offset: 0 }]);
  });

  test('readers of either isolation go through transactions without a gap in what they hand out', async () => {
    const log = await open();
    const producer = await log.openProducer(ID);
    const wanted: string[] = [];
    for (let i = 0; i < 12; i++) {
      const transaction = await producer.begin();
      await transaction.append([raw(0, `${i}`), raw(0, `${i}+`)]);
      if (i % 4 === 3) await transaction.abort();
      else {
        await transaction.commit();
        wanted.push(`${i}`, `${i}+`);
      }
    }
    for (const isolation of ['committed', 'uncommitted'] as const) {
      const reader = await log.openReader({ group: 'g', isolation, from: [{ ...rawAt(0), offset: 'earliest' }] });
      const seen: (string | null)[] = [];
      for (;;) {
        const fetched = await reader.fetch({ ...NOW, maxBytes: 20 });
        if (fetched.length === 0) break;
        seen.push(...valuesIn(fetched));
      }
      if (isolation === 'committed') expect(seen).toEqual(wanted);
      else expect(seen.filter((value) => wanted.includes(value ?? ''))).toEqual(wanted);
      expect(reader.positions()).toEqual([{ ...rawAt(0), offset: (await log.bounds(RAW.name, isolation))[0]?.end }]);
    }
    expect((await readAll(log, RAW.name)).map(({ offset }) => offset)).toEqual(
      [...(await readAll(log, RAW.name))].map(({ offset }) => offset).sort((a, b) => a - b),
    );
  });

  if (!supports.crash) return;

  test('acknowledged transactions survive a crash whole, an open one leaves nothing, one under way is whole or absent', async () => {
    const log = await open();
    const producer = await log.openProducer(ID);
    let acknowledged = 0;
    for (; acknowledged < 10; acknowledged++) {
      const transaction = await producer.begin();
      await transaction.append([0, 1, 2].map((p) => raw(p, `${acknowledged}`)));
      await transaction.sendOffsets('g', [{ ...rawAt(0), offset: acknowledged }]);
      await transaction.commit();
    }
    const openOne = await (await log.openProducer({ transactionalId: 'other' })).begin();
    await openOne.append([raw(0, 'never')]);
    const underWay = await producer.begin();
    await underWay.append([0, 1, 2].map((p) => raw(p, `${acknowledged}`)));
    await underWay.sendOffsets('g', [{ ...rawAt(0), offset: acknowledged }]);
    const committing = underWay.commit().then(
      () => 11,
      () => undefined,
    );
    await world().crash();
    const after = await world().open();
    const counts = await Promise.all([0, 1, 2].map(async (p) => (await valuesOf(after, RAW.name, p)).length));
    expect(new Set(counts).size).toBe(1);
    expect([10, 11]).toContain(counts[0]);
    const [position] = await after.committed('g', [rawAt(0)]);
    expect(position?.offset).toBe((counts[0] ?? 0) - 1);
    expect((await committing) ?? counts[0]).toBe(counts[0]);
    expect((await after.openProducer(ID)).epoch).toBeGreaterThan(producer.epoch);
  });

  test('a producer of before the crash has no say after it', async () => {
    const log = await open();
    const former = await log.openProducer(ID);
    const transaction = await former.begin();
    await transaction.append([raw(0, 'never')]);
    await world().crash();
    const after = await world().open();
    await expect(transaction.commit()).rejects.toThrow();
    expect((await after.openProducer(ID)).epoch).toBeGreaterThan(former.epoch);
    expect(await valuesOf(after, RAW.name)).toEqual([]);
  });
}
