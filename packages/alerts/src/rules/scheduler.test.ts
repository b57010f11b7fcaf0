import { SimClock } from '@tidemark/base';
import { expect, test } from 'vitest';
import { everySlot, slotOffset } from './scheduler.ts';

function start(clock: SimClock, work: (at: number) => Promise<void> = async () => undefined) {
  const ticks: number[] = [];
  let missed = 0;
  const stop = new AbortController();
  const ended = everySlot(
    {
      clock,
      intervalMs: 10_000,
      offsetMs: 3000,
      tick: async (atMs) => {
        ticks.push(atMs);
        await work(atMs);
      },
      missed: (count) => {
        missed += count;
      },
    },
    stop.signal,
  ).catch((error: unknown) => error);
  return { ticks, missed: () => missed, stop: () => stop.abort(new Error('stop')), ended };
}

test('ticks stand at the offset in every interval, whenever it was started', async () => {
  const clock = new SimClock(1_004_500);
  const run = start(clock);
  await clock.advance(30_000);
  expect(run.ticks).toEqual([1_013_000, 1_023_000, 1_033_000]);
  run.stop();
  await clock.advance(30_000);
  expect(run.ticks).toHaveLength(3);
  expect(await run.ended).toMatchObject({ message: 'stop' });
});

test('a tick that takes long leaves out what it covered, and the latest due comes at once', async () => {
  const clock = new SimClock(1_000_000);
  const run = start(clock, (atMs) => (atMs === 1_003_000 ? clock.sleep(34_000) : Promise.resolve()));
  await clock.advance(60_000);
  expect(run.ticks).toEqual([1_003_000, 1_033_000, 1_043_000, 1_053_000]);
  expect(run.missed()).toBe(2);
  run.stop();
});

test('a wall clock that is put back does not stop the ticks', async () => {
  const clock = new SimClock(1_000_000);
  let shiftMs = 0;
  const shifted = Object.assign(Object.create(clock) as SimClock, {
    nowMs: () => clock.nowMs() - shiftMs,
    sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal),
  });
  const run = start(shifted);
  await clock.advance(5000);
  shiftMs = 500_000;
  await clock.advance(30_000);
  expect(run.ticks.slice(0, 1)).toEqual([1_003_000]);
  expect(run.ticks.length).toBeGreaterThanOrEqual(3);
  expect(run.ticks.at(-1)).toBeLessThan(540_000);
  run.stop();
});

test('offsets are within the interval, differ, and stay', () => {
  const offsets = ['a', 'b', 'c', 'd'].map((name) => slotOffset(name, 60_000));
  expect(new Set(offsets).size).toBe(4);
  for (const offset of offsets) expect(offset >= 0 && offset < 60_000).toBe(true);
  expect(slotOffset('rules.yml;host', 60_000)).toBe(slotOffset('rules.yml;host', 60_000));
});
