import { expect, test } from 'vitest';
import type { Log } from '../log.ts';
import type { Bench } from './suite.ts';
import { CONFIG, config, NOW, RAW, raw, rawAt, readAll, readerOf, textOf, valuesIn } from './traits.ts';

export function retentionSuite({ open, supports, world }: Bench): void {
  /** Enough to fill several small files, each append on its own. */
  const fill = async (log: Log, partition: number, count: number) => {
    const blob = 'x'.repeat(200);
    for (let i = 0; i < count; i++) await log.append([raw(partition, `${i} ${blob}`)]);
  };
  const startOf = async (log: Log, partition: number) => (await log.bounds(RAW.name))[partition]?.start ?? -1;

  if (supports.releases) {
    test('what every group has passed goes, and not before', async () => {
      const log = await open();
      const slow = await readerOf(log, 'slow', 0, 'earliest');
      await readerOf(log, 'fast', 0, 'earliest');
      await fill(log, 0, 60);
      await log.commit('fast', [{ ...rawAt(0), offset: 60 }]);
      await world().retain();
      expect(await startOf(log, 0)).toBe(0);
      await log.commit('slow', [{ ...rawAt(0), offset: 30 }]);
      await world().retain();
      const start = await startOf(log, 0);
      expect(start).toBeGreaterThan(0);
      expect(start).toBeLessThanOrEqual(30);
      slow.seek({ ...rawAt(0), offset: 30 });
      expect(valuesIn(await slow.fetch(NOW))).toHaveLength(30);
      expect((await readAll(log, RAW.name, 0))[0]?.offset).toBe(start);
    });

    test('a group that only opened a reader holds bytes back; forgotten, it does not', async () => {
      const log = await open();
      await readerOf(log, 'idle', 0, 'earliest');
      await fill(log, 0, 40);
      await readerOf(log, 'busy', 0, 'earliest');
      await log.commit('busy', [{ ...rawAt(0), offset: 40 }]);
      await world().retain();
      expect(await startOf(log, 0)).toBe(0);
      await log.forget('idle');
      await world().retain();
      expect(await startOf(log, 0)).toBeGreaterThan(0);
    });

    test('what retention left survives a reopen, with its start', async () => {
      const log = await open();
      await readerOf(log, 'g', 0, 'earliest');
      await fill(log, 0, 60);
      await log.commit('g', [{ ...rawAt(0), offset: 40 }]);
      await world().retain();
      const start = await startOf(log, 0);
      const records = (await readAll(log, RAW.name, 0)).map(({ offset, value }) => [offset, textOf(value)]);
      await log.close();
      const again = await world().open();
      expect(await startOf(again, 0)).toBe(start);
      expect((await readAll(again, RAW.name, 0)).map(({ offset, value }) => [offset, textOf(value)])).toEqual(records);
    });
  }

  test('a consumer that never comes back is cut off by age, and told where the log begins now', async () => {
    const log = await open({ retainMaxMs: 10_000 });
    const gone = await readerOf(log, 'gone', 0, 'earliest');
    await fill(log, 0, 30);
    await world().advance(20_000);
    await fill(log, 0, 30);
    await world().retain();
    const start = await startOf(log, 0);
    expect(start).toBeGreaterThan(0);
    expect(start).toBeLessThanOrEqual(30);
    const lost = { code: 'LOG_POSITION_LOST', details: { offset: 0, start, end: 60 } };
    await expect(gone.fetch(NOW)).rejects.toMatchObject(lost);
    await expect(gone.fetch(NOW)).rejects.toMatchObject(lost);
    gone.seek({ ...rawAt(0), offset: start });
    expect((await gone.fetch(NOW))[0]?.records[0]?.offset).toBe(start);
  });

  test('a reader told of one lost partition still gets the others', async () => {
    const log = await open({ retainMaxMs: 10_000 });
    const reader = await log.openReader({ group: 'g', from: [0, 1].map((p) => ({ ...rawAt(p), offset: 'earliest' })) });
    await fill(log, 0, 30);
    await world().advance(20_000);
    await fill(log, 0, 30);
    await world().retain();
    await log.append([raw(1, 'here')]);
    const seen: (string | null)[] = [];
    let lost = 0;
    for (let i = 0; i < 4; i++) {
      try {
        seen.push(...valuesIn(await reader.fetch(NOW)));
      } catch (error) {
        expect(error).toMatchObject({ code: 'LOG_POSITION_LOST', details: { partition: 0 } });
        lost++;
      }
    }
    expect(seen).toEqual(['here']);
    expect(lost).toBeGreaterThan(0);
  });

  const last = async (log: Log) => {
    const state = new Map<string | null, string | null>();
    let previous = -1;
    for (const { key, value, offset } of await readAll(log, CONFIG.name)) {
      expect(offset).toBeGreaterThan(previous);
      previous = offset;
      state.set(textOf(key), textOf(value));
    }
    return state;
  };
  const live = (state: Map<string | null, string | null>) =>
    Object.fromEntries([...state].filter(([, value]) => value !== null));

  test('a compacted topic keeps the last value of every key, in offset order, whatever is released', async () => {
    const log = await open();
    await readerOf(log, 'g', 0, 'earliest');
    for (let round = 0; round < 5; round++) {
      await log.append(Array.from({ length: 10 }, (_, k) => config(`key ${k}`, `round ${round} of ${k}`)));
      await fill(log, 0, 20);
      await log.commit('g', [{ ...rawAt(0), offset: 20 * (round + 1) }]);
      await world().retain();
    }
    const wanted = Object.fromEntries(Array.from({ length: 10 }, (_, k) => [`key ${k}`, `round 4 of ${k}`]));
    expect(live(await last(log))).toEqual(wanted);
    if (supports.compaction) expect((await readAll(log, CONFIG.name)).length).toBeLessThan(50);
    await log.close();
    const again = await world().open();
    expect(live(await last(again))).toEqual(wanted);
    await again.append([config('key 3', 'newest')]);
    expect(live(await last(again))['key 3']).toBe('newest');
    expect((await readAll(again, CONFIG.name)).at(-1)?.offset).toBe(50);
  });

  /** Retention has something to do with what was appended before: it is in files of its own. */
  const pushOn = async (log: Log) => {
    const end = async () => (await log.bounds(RAW.name))[0]?.end ?? 0;
    await fill(log, 0, 30);
    await log.commit('g', [{ ...rawAt(0), offset: await end() }]);
    await world().retain();
  };

  test('a tombstone stays for a group that has not come to it yet, over compaction and reopen', async () => {
    const log = await open();
    const at = { topic: CONFIG.name, partition: 0 };
    await log.append([config('goes', '1'), config('stays', '1')]);
    await log.commit('behind', [{ ...at, offset: 2 }]);
    await log.append([config('goes', null)]);
    await pushOn(log);
    await log.append([config('other', '1')]);
    await pushOn(log);
    await log.close();
    const again = await world().open();
    await again.append([config('another', '1')]);
    await pushOn(again);
    const reader = await again.openReader({ group: 'behind', from: [{ ...at, offset: 'committed' }] });
    const [part] = await reader.fetch(NOW);
    expect(part?.records.map(({ key, value }) => [textOf(key), textOf(value)])).toEqual([
      ['goes', null],
      ['other', '1'],
      ['another', '1'],
    ]);
    expect(live(await last(again))).toEqual({ stays: '1', other: '1', another: '1' });
  });

  test('a tombstone goes at its age, whoever has not come to it; last values never do', async () => {
    const log = await open({ tombstoneMaxMs: 10_000 });
    const at = { topic: CONFIG.name, partition: 0 };
    await log.append([config('goes', '1'), config('stays', '1')]);
    await log.commit('gone', [{ ...at, offset: 0 }]);
    await log.append([config('goes', null)]);
    await pushOn(log);
    expect([...(await last(log)).keys()]).toContain('goes');
    await world().advance(20_000);
    await log.append([config('other', '1')]);
    await pushOn(log);
    await log.append([config('another', '1')]);
    await pushOn(log);
    expect(live(await last(log))).toEqual({ stays: '1', other: '1', another: '1' });
    if (supports.compaction) expect([...(await last(log)).keys()]).not.toContain('goes');
  });

  test('a compacted topic read from the earliest while it is compacted: the last record of every key, offsets rising', async () => {
    const log = await open();
    const keys = 12;
    for (let k = 0; k < keys; k++) await log.append([config(`key ${k}`, 'first')]);
    const reader = await log.openReader({
      group: 'slow',
      from: [{ topic: CONFIG.name, partition: 0, offset: 'earliest' }],
    });
    const seen: { key: string | null; value: string | null; offset: number }[] = [];
    for (let round = 0; round < 40; round++) {
      for (const { records } of await reader.fetch({ maxBytes: 30, maxWaitMs: 0 })) {
        for (const { key, value, offset } of records) seen.push({ key: textOf(key), value: textOf(value), offset });
      }
      if (round < 20) await log.append([config(`key ${round % keys}`, `round ${round}`)]);
      if (round % 5 === 0) await pushOn(log);
    }
    const offsets = seen.map(({ offset }) => offset);
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
    const state = new Map(seen.map(({ key, value }) => [key, value]));
    expect(Object.fromEntries(state)).toEqual(Object.fromEntries(await last(log)));
  });

  test('a tombstone reaches a reader that was there, and its key is gone for later ones', async () => {
    const log = await open();
    await readerOf(log, 'raw', 0, 'earliest');
    const watcher = await log.openReader({
      group: 'w',
      from: [{ topic: CONFIG.name, partition: 0, offset: 'earliest' }],
    });
    await log.append([config('stays', '1'), config('goes', '1')]);
    expect(valuesIn(await watcher.fetch(NOW))).toEqual(['1', '1']);
    await log.append([config('goes', null)]);
    await fill(log, 0, 30);
    await log.commit('raw', [{ ...rawAt(0), offset: 30 }]);
    await world().retain();
    const [part] = await watcher.fetch(NOW);
    expect(part?.records.map(({ key, value }) => [textOf(key), textOf(value)])).toEqual([['goes', null]]);
    await log.commit('w', watcher.positions());
    await log.append([config('other', '1')]);
    await fill(log, 0, 30);
    await log.commit('raw', [{ ...rawAt(0), offset: 60 }]);
    await world().retain();
    expect(live(await last(log))).toEqual({ stays: '1', other: '1' });
    if (supports.compaction) expect([...(await last(log)).keys()]).not.toContain('goes');
  });
}
