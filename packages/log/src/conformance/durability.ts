import { expect, test } from 'vitest';
import type { Bench } from './suite.ts';
import { CONFIG, config, NOW, RAW, raw, rawAt, readAll, readerOf, valuesOf } from './traits.ts';

export function durabilitySuite({ open, supports, world }: Bench): void {
  test('everything is there after close and reopen, and appends go on', async () => {
    const first = await open();
    await first.append([raw(0, 'a'), raw(1, 'b'), config('k', 'v')]);
    await first.commit('g', [{ ...rawAt(0), offset: 1 }]);
    await first.close();
    const second = await world().open();
    expect((await second.topics()).map(({ name }) => name)).toContain(RAW.name);
    expect(await second.committed('g', [rawAt(0)])).toEqual([{ ...rawAt(0), offset: 1 }]);
    expect(await second.append([raw(0, 'c')])).toEqual([1]);
    expect(await valuesOf(second, RAW.name, 0)).toEqual(['a', 'c']);
    expect(await valuesOf(second, RAW.name, 1)).toEqual(['b']);
    expect(await valuesOf(second, CONFIG.name)).toEqual(['v']);
  });

  test('a reader that starts again at a position gets the same records with the same offsets', async () => {
    const log = await open();
    await log.append(Array.from({ length: 30 }, (_, i) => raw(0, `${i}`)));
    const before = await readAll(log, RAW.name, 0, 10);
    expect(before[0]?.offset).toBe(10);
    expect(await readAll(log, RAW.name, 0, 10)).toEqual(before);
    await log.close();
    const again = await readAll(await world().open(), RAW.name, 0, 10);
    expect(again.map(({ offset, timestampMs }) => [offset, timestampMs])).toEqual(
      before.map(({ offset, timestampMs }) => [offset, timestampMs]),
    );
    expect(again.map(({ value }) => Buffer.from(value ?? []).toString())).toEqual(
      before.map(({ value }) => Buffer.from(value ?? []).toString()),
    );
  });

  test('many times closed and opened, nothing is lost and offsets go on', async () => {
    for (let round = 0; round < 8; round++) {
      const log = await open();
      expect(await log.append([raw(0, `${round}`)])).toEqual([round]);
      expect(await valuesOf(log, RAW.name)).toHaveLength(round + 1);
      await log.close();
    }
  });

  if (!supports.crash) return;

  test('what was acknowledged survives a crash', async () => {
    const log = await open();
    const acknowledged: string[] = [];
    for (let i = 0; i < 40; i++) {
      await log.append([raw(0, `${i}`)]);
      acknowledged.push(`${i}`);
    }
    await world().crash();
    const after = await world().open();
    expect(await valuesOf(after, RAW.name)).toEqual(acknowledged);
    expect(await after.append([raw(0, 'next')])).toEqual([40]);
  });

  test('positions committed a second ago survive a crash; younger ones may be the older ones', async () => {
    const log = await open();
    await log.append(Array.from({ length: 5 }, (_, i) => raw(0, `${i}`)));
    await log.commit('g', [{ ...rawAt(0), offset: 2 }]);
    await world().advance(1500);
    await log.commit('g', [{ ...rawAt(0), offset: 4 }]);
    await world().crash();
    const after = await world().open();
    const [position] = await after.committed('g', [rawAt(0)]);
    expect([2, 4]).toContain(position?.offset);
  });

  test('a crash ends everything of the dead log', async () => {
    const log = await open();
    const reader = await readerOf(log, 'g', 0, 'earliest');
    await world().crash();
    await expect(log.append([raw(0, 'a')])).rejects.toThrow();
    const after = await world().open();
    expect(await valuesOf(after, RAW.name)).toEqual([]);
    await reader.fetch(NOW).catch(() => undefined);
    expect((await after.bounds(RAW.name))[0]?.end).toBe(0);
  });
}
