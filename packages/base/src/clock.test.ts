import { expect, test } from 'vitest';
import { acceleratedClock, SimClock, systemClock } from './clock.ts';

test('simulated timers fire in order of their time, and not before', async () => {
  const clock = new SimClock(1000);
  const fired: string[] = [];
  clock.after(30, () => fired.push(`c ${clock.nowMs()}`));
  clock.after(10, () => fired.push(`a ${clock.nowMs()}`));
  clock.after(20, () => fired.push(`b ${clock.nowMs()}`));
  const cancel = clock.after(15, () => fired.push('cancelled'));
  cancel();
  await clock.advance(9);
  expect(fired).toEqual([]);
  await clock.advance(16);
  expect(fired).toEqual(['a 1010', 'b 1020']);
  await clock.advance(100);
  expect(fired).toEqual(['a 1010', 'b 1020', 'c 1030']);
  expect(clock.nowMs()).toBe(1125);
});

test('a timer set by a timer fires in the same advance', async () => {
  const clock = new SimClock();
  const at: number[] = [];
  const again = () => {
    at.push(clock.nowMs());
    if (at.length < 4) clock.after(10, again);
  };
  clock.after(10, again);
  await clock.advance(35);
  expect(at).toEqual([10, 20, 30]);
});

test('sleep ends with time, or with its signal', async () => {
  const clock = new SimClock();
  const abort = new AbortController();
  const slept = clock.sleep(50);
  const aborted = clock.sleep(50, abort.signal);
  abort.abort(new Error('stop'));
  await expect(aborted).rejects.toThrow('stop');
  await expect(clock.sleep(1, abort.signal)).rejects.toThrow('stop');
  await clock.advance(50);
  await slept;
});

test('an accelerated clock runs its wall time faster, from its origin on, and measures work at real speed', async () => {
  const base = new SimClock(10_000);
  const fast = acceleratedClock(60, 10_000, base);
  let fired = 0;
  fast.after(6000, () => fired++);
  const beforeMs = fast.monotonicMs();
  await base.advance(99);
  expect(fired).toBe(0);
  await base.advance(1);
  expect(fired).toBe(1);
  expect(fast.nowMs()).toBe(16_000);
  expect(fast.monotonicMs() - beforeMs).toBe(100);
});

test('the system clock waits, and its timers can be cancelled', async () => {
  let fired = false;
  systemClock.after(1, () => {
    fired = true;
  })();
  const beforeMs = systemClock.monotonicMs();
  await new Promise<void>((resolve) => {
    const keepAlive = setTimeout(() => undefined, 1000);
    void systemClock.sleep(20).then(() => {
      clearTimeout(keepAlive);
      resolve();
    });
  });
  expect(systemClock.monotonicMs() - beforeMs).toBeGreaterThanOrEqual(19);
  expect(fired).toBe(false);
  expect(Math.abs(systemClock.nowMs() - (performance.timeOrigin + performance.now()))).toBeLessThan(60_000);
});
