import { expect, test } from 'vitest';
import type { Bench } from './suite.ts';
import { ALERTS, bytesOf, NOW, RAW, raw, rawAt, readerOf, valuesIn, valuesOf } from './traits.ts';

export function readingSuite({ open, world }: Bench): void {
  const LONG = { maxBytes: 1_000_000, maxWaitMs: 60_000 };

  test('earliest, latest, an offset, and committed (which falls back to earliest)', async () => {
    const log = await open();
    await log.append(['a', 'b', 'c', 'd'].map((value) => raw(0, value)));
    await log.commit('been-here', [{ ...rawAt(0), offset: 3 }]);
    const startOf = async (group: string, offset: number | 'earliest' | 'latest' | 'committed') => {
      const reader = await readerOf(log, group, 0, offset);
      const [position] = reader.positions();
      await reader.close();
      return position?.offset;
    };
    expect(await startOf('g', 'earliest')).toBe(0);
    expect(await startOf('g', 'latest')).toBe(4);
    expect(await startOf('g', 2)).toBe(2);
    expect(await startOf('g', 'committed')).toBe(0);
    expect(await startOf('been-here', 'committed')).toBe(3);
  });

  test('maxBytes is soft: one record at least, and not many more than asked for', async () => {
    const log = await open();
    await log.append(Array.from({ length: 20 }, () => ({ ...raw(0, ''), value: new Uint8Array(1000) })));
    const reader = await readerOf(log, 'g', 0, 'earliest');
    const counts: number[] = [];
    for (const maxBytes of [1, 3500, 1_000_000]) {
      const [part] = await reader.fetch({ maxBytes, maxWaitMs: 0 });
      counts.push(part?.records.length ?? 0);
      expect(part?.nextOffset).toBe(counts.reduce((a, b) => a + b));
    }
    expect(counts[0]).toBe(1);
    expect(counts[1]).toBeLessThanOrEqual(4);
    expect(counts.reduce((a, b) => a + b)).toBe(20);
  });

  test('no partition starves behind a busy one', async () => {
    const log = await open();
    await log.append(Array.from({ length: 100 }, (_, i) => raw(0, `busy ${i}`)));
    await log.append([raw(1, 'quiet'), raw(2, 'quiet')]);
    const reader = await log.openReader({
      group: 'g',
      from: [0, 1, 2].map((p) => ({ ...rawAt(p), offset: 'earliest' })),
    });
    const seen = new Set<number>();
    for (let i = 0; i < 3; i++) {
      for (const { partition } of await reader.fetch({ maxBytes: 1, maxWaitMs: 0 })) seen.add(partition);
      // Where the others must be asked elsewhere, they have been.
      await world().advance(0);
    }
    expect(seen).toEqual(new Set([0, 1, 2]));
  });

  test('a reader sees what is appended after it was opened, in order, without gaps', async () => {
    const log = await open();
    const reader = await readerOf(log, 'g', 0, 'latest');
    const seen: (string | null)[] = [];
    for (let i = 0; i < 50; i++) {
      await log.append([raw(0, `${i}`)]);
      if (i % 3 === 0) seen.push(...valuesIn(await reader.fetch(NOW)));
    }
    seen.push(...valuesIn(await reader.fetch(NOW)));
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
  });

  test('a fetch waits for the first record', async () => {
    const log = await open();
    const reader = await log.openReader({ group: 'g', from: [1, 2].map((p) => ({ ...rawAt(p), offset: 'latest' })) });
    const waiting = reader.fetch(LONG);
    await log.append([raw(0, 'elsewhere'), raw(2, 'here')]);
    expect(valuesIn(await waiting)).toEqual(['here']);
  });

  test('a fetch that waited in vain hands out nothing', async () => {
    const log = await open();
    const reader = await readerOf(log, 'g', 0, 'earliest');
    const waiting = reader.fetch({ maxBytes: 1, maxWaitMs: 500 });
    // The first look comes before the clock is set.
    await world().advance(0);
    await world().advance(501);
    expect(await waiting).toEqual([]);
    expect(await reader.fetch(NOW)).toEqual([]);
  });

  test('an aborted fetch rejects with the reason, and the reader goes on', async () => {
    const log = await open();
    const reader = await readerOf(log, 'g', 0, 'earliest');
    const abort = new AbortController();
    const waiting = reader.fetch({ ...LONG, signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(reader.fetch({ ...NOW, signal: abort.signal })).rejects.toThrow('enough');
    await log.append([raw(0, 'a')]);
    expect(valuesIn(await reader.fetch(NOW))).toEqual(['a']);
  });

  test('a paused partition is not handed out and keeps its position; resume wakes a waiting fetch', async () => {
    const log = await open();
    await log.append([raw(0, 'a'), raw(1, 'b')]);
    const reader = await log.openReader({ group: 'g', from: [0, 1].map((p) => ({ ...rawAt(p), offset: 'earliest' })) });
    reader.pause([rawAt(0)]);
    expect(valuesIn(await reader.fetch(NOW))).toEqual(['b']);
    expect(await reader.fetch(NOW)).toEqual([]);
    expect(reader.positions()).toContainEqual({ ...rawAt(0), offset: 0 });
    const waiting = reader.fetch(LONG);
    reader.resume([rawAt(0)]);
    expect(valuesIn(await waiting)).toEqual(['a']);
  });

  test('seek goes back and forth, and wakes a waiting fetch', async () => {
    const log = await open();
    await log.append(['a', 'b', 'c'].map((value) => raw(0, value)));
    const reader = await readerOf(log, 'g', 0, 'latest');
    const waiting = reader.fetch(LONG);
    reader.seek({ ...rawAt(0), offset: 1 });
    expect(valuesIn(await waiting)).toEqual(['b', 'c']);
    reader.seek({ ...rawAt(0), offset: 2 });
    expect(valuesIn(await reader.fetch(NOW))).toEqual(['c']);
  });

  test('positions move with what was handed out, and committing is up to the reader', async () => {
    const log = await open();
    await log.append([raw(0, 'a'), raw(0, 'b')]);
    const reader = await readerOf(log, 'g', 0, 'committed');
    const [part] = await reader.fetch(NOW);
    expect(reader.positions()).toEqual([{ ...rawAt(0), offset: part?.nextOffset }]);
    expect(await log.committed('g', [rawAt(0)])).toEqual([]);
    await log.commit('g', reader.positions());
    expect(await log.committed('g', [rawAt(0), rawAt(1)])).toEqual([{ ...rawAt(0), offset: 2 }]);
    await log.commit('g', [{ ...rawAt(0), offset: 1 }]);
    expect(await log.committed('g', [rawAt(0)])).toEqual([{ ...rawAt(0), offset: 1 }]);
    await log.forget('g');
    expect(await log.committed('g', [rawAt(0)])).toEqual([]);
  });

  test('a position beyond the end is refused, wherever it is said', async () => {
    const log = await open();
    await log.append([raw(0, 'a')]);
    const lost = { code: 'LOG_POSITION_LOST', details: { start: 0, end: 1 } };
    await expect(log.commit('g', [{ ...rawAt(0), offset: 2 }])).rejects.toMatchObject(lost);
    const reader = await readerOf(log, 'g', 0, 2);
    await expect(reader.fetch(NOW)).rejects.toMatchObject(lost);
    reader.seek({ ...rawAt(0), offset: 1 });
    expect(await reader.fetch(NOW)).toEqual([]);
  });

  test('two readers, of one group or of two, each see everything', async () => {
    const log = await open();
    await log.append([raw(0, 'a'), raw(0, 'b')]);
    for (const group of ['g', 'g', 'h']) {
      const reader = await readerOf(log, group, 0, 'earliest');
      expect(valuesIn(await reader.fetch(NOW))).toEqual(['a', 'b']);
    }
  });

  test('a reader over two topics hands out both', async () => {
    const log = await open();
    await log.append([raw(0, 'a'), { topic: ALERTS.name, partition: 0, key: bytesOf('k'), value: bytesOf('b') }]);
    const from = [RAW.name, ALERTS.name].map((topic) => ({ topic, partition: 0, offset: 'earliest' as const }));
    const reader = await log.openReader({ group: 'g', from });
    const seen = [...valuesIn(await reader.fetch(NOW)), ...valuesIn(await reader.fetch(NOW))];
    expect(seen.sort()).toEqual(['a', 'b']);
    expect(await valuesOf(log, ALERTS.name)).toEqual(['b']);
  });
}
