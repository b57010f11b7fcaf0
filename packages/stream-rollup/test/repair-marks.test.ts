import { expect, test } from 'vitest';
import { at, point, RollupRun } from './rollup-run.ts';

// What the rollup cannot put into its rows, it asks others to make from raw samples.

test('a point after grace is marked at once, and again when its hour is over', async () => {
  const run = await RollupRun.start();
  run.pipe('10:20:00', [point('a', '10:20:00', 1), point('b', '10:20:00', 1)]);
  run.pipe('10:30:00', [point('a', '10:10:00', 2), point('a', '10:29:00', 2), point('b', '10:30:00', 2)]);
  expect(run.marks()).toEqual(['mark default a 11:00:00: closed through 10:25:00 @1']);
  run.pipe('11:00:05');
  expect(run.marks()).toEqual([]);
  run.pipe('11:05:00');
  expect(run.marks()).toEqual(['mark default a 11:00:00: closed through 11:00:00 @3']);
  run.pipe('12:05:00');
  expect(run.marks()).toEqual([]);
});

test('a backfill marks each of its hours that is over once a batch, and nothing later', async () => {
  const run = await RollupRun.start();
  const old = ['05:00:00', '05:00:01', '06:30:00', '06:31:00', '09:59:00'].map((time) => point('a', time, 1));
  run.pipe('10:30:00', [...old, point('b', '06:00:00', 1)]);
  expect(run.marks()).toEqual([
    'mark default a 05:00:00: closed through 10:25:00 @0',
    'mark default a 06:00:00: closed through 10:25:00 @0',
    'mark default b 06:00:00: closed through 10:25:00 @0',
    'mark default a 07:00:00: closed through 10:25:00 @0',
    'mark default a 10:00:00: closed through 10:25:00 @0',
  ]);
  run.pipe('11:30:00');
  expect(run.marks()).toEqual([]);
  expect(run.rows()).toEqual([]);
});

test('that an hour lacks points outlives a crash', async () => {
  const run = await RollupRun.start();
  run.pipe('10:20:00', [point('a', '10:20:00', 1)]);
  run.pipe('10:30:00', [point('a', '10:10:00', 2)]);
  expect(run.marks().length).toBe(1);
  await run.driver.checkpoint();
  await run.driver.crash();
  run.pipe('11:06:00');
  expect(run.marks()).toEqual(['mark default a 11:00:00: closed through 11:01:00 @2']);
});

test('a clock that ran ahead for a day is followed back, and rows go on', async () => {
  const run = await RollupRun.start();
  run.pipe('10:00:10', [point('a', '10:00:10', 1)]);
  const ahead = '34:00:20';
  run.pipe(ahead, [point('a', ahead, 2), point('other', '10:00:20', 1)], 'default');
  // As far as that clock can tell, everything is over.
  expect(run.hours()).toEqual(['default a 11:00:00: 1 1 1-1 +0 @3.0']);
  run.pipe('10:02:00', [point('a', '10:02:00', 3)]);
  run.pipe('10:02:29', [point('a', '10:02:29', 4)]);
  expect(run.rows()).toEqual([]);
  // Half a minute of batches that all lie behind: the clock had run ahead.
  expect(run.pipe('10:02:30', [point('a', '10:02:30', 5)])).toEqual(['default a 10:01:00: 1 2 2-2 +0 @3.1']);
  // The hour that only the wrong clock has reached goes out as it is.
  expect(run.hours()).toEqual(['default a 11:00:00: 1 2 2-2 +0 @3.1']);
  expect(run.metrics.clockTurnedBack.value()).toBe(1);
  run.marks();
  run.pipe('10:03:30', [point('a', '10:03:30', 6)]);
  expect(run.pipe('10:04:05')).toEqual(['default a 10:04:00: 1 6 6-6 +0 @3.5']);
  // 10:03:00 has points that were refused meanwhile: it is left to the repair, as is the hour.
  run.pipe('11:05:00');
  expect(run.rows()).toEqual([]);
  expect(run.hours()).toEqual([]);
  expect(run.marks()).toContain('mark default a 11:00:00: closed through 11:00:00 @7');
});

test('one gateway that lags behind turns no clock back', async () => {
  const run = await RollupRun.start();
  for (let i = 0; i < 20; i++) {
    run.pipe(`10:${10 + i}:00`, [point('a', `10:${10 + i}:00`, i)]);
    run.pipe(`10:0${Math.floor(i / 2)}:00`, [point('b', `10:${10 + i}:00`, i)]);
  }
  expect(run.metrics.clockTurnedBack.value()).toBe(0);
  expect(run.dropped('beyond_grace')).toBe(0);
});

test('a step back of a minute holds rows up for a minute', async () => {
  const run = await RollupRun.start();
  run.pipe('10:05:00', [point('a', '10:05:00', 1)]);
  run.pipe('10:04:00', [point('a', '10:04:01', 1)]);
  run.pipe('10:04:30', [point('a', '10:04:30', 1)]);
  run.pipe('10:05:05', [point('a', '10:05:05', 1)]);
  expect(run.metrics.clockTurnedBack.value()).toBe(0);
  expect(run.pipe('10:06:05')).toEqual(['default a 10:06:00: 1 1 1-1 +0 @3.3']);
});

test('the clock and where it was turned back outlive a crash', async () => {
  const run = await RollupRun.start();
  run.pipe('10:00:10', [point('a', '10:00:10', 1)]);
  run.pipe('34:00:20', [point('a', '34:00:20', 2)]);
  run.pipe('10:02:00', [point('a', '10:02:00', 3)]);
  await run.driver.checkpoint();
  await run.driver.crash();
  run.pipe('10:02:30', [point('a', '10:02:30', 4)]);
  await run.driver.checkpoint();
  await run.driver.crash();
  run.pipe('10:03:30', [point('a', '10:03:30', 6)]);
  run.rows();
  expect(run.pipe('10:04:05')).toEqual(['default a 10:04:00: 1 6 6-6 +0 @3.4']);
  expect(at('10:00:00')).toBeLessThan(run.driver.clock.nowMs() + 86_400_000);
});
