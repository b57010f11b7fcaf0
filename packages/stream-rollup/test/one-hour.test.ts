import { expect, test } from 'vitest';
import { point, RollupRun } from './rollup-run.ts';

test('an hour is (end - 1 h, end], and its row goes out when it is over', async () => {
  const run = await RollupRun.start();
  run.pipe('10:00:01', [point('a', '10:00:00', 1), point('a', '10:00:01', 2)]);
  expect(run.hours()).toEqual([]);
  run.pipe('10:00:05');
  expect(run.hours()).toEqual(['default a 10:00:00: 1 1 1-1 +0 @3.0']);
  run.pipe('10:30:00', [point('a', '10:29:59', 5)]);
  run.pipe('11:00:00', [point('a', '11:00:00', 6), point('b', '11:00:00', 1)]);
  run.pipe('11:00:04');
  expect(run.hours()).toEqual([]);
  run.pipe('11:00:05');
  expect(run.hours()).toEqual(['default a 11:00:00: 3 13 2-6 +4 @3.3', 'default b 11:00:00: 1 1 1-1 +0 @3.3']);
});

test('a counter counts over resets inside a minute, between minutes and over gaps', async () => {
  const run = await RollupRun.start();
  run.pipe('10:00:50', [point('a', '10:00:10', 10), point('a', '10:00:20', 15), point('a', '10:00:30', 3)]); // 5 + 3
  run.pipe('10:01:50', [point('a', '10:01:10', 2), point('a', '10:01:20', 9)]); // 2 + 7
  run.pipe('10:40:50', [point('a', '10:40:10', 4)]); // 4
  run.pipe('10:59:50', [point('a', '10:59:10', 14)]); // 10
  run.pipe('11:00:05');
  expect(run.hours()).toEqual(['default a 11:00:00: 7 57 10-14 +31 @3.3']);
});

test('a late point within grace sends the hour again, whole, and only the series that changed', async () => {
  const run = await RollupRun.start();
  run.pipe('10:20:00', [point('a', '10:20:00', 1), point('b', '10:20:00', 1)]);
  run.pipe('10:59:50', [point('a', '10:59:50', 3), point('b', '10:59:50', 3)]);
  run.pipe('11:00:05');
  expect(run.hours().length).toBe(2);
  run.pipe('11:01:00', [point('b', '10:57:00', 2)]);
  run.pipe('11:01:10');
  expect(run.hours()).toEqual(['default b 11:00:00: 3 6 1-3 +2 @3.3']);
  // The last moment of grace; then the hour is over for good.
  run.pipe('11:04:59', [point('a', '10:59:59', 9)]);
  run.pipe('11:05:00', [point('a', '10:59:58', 9)]);
  expect(run.hours()).toEqual(['default a 11:00:00: 3 13 1-9 +8 @3.5']);
  run.pipe('11:20:00');
  expect(run.hours()).toEqual([]);
});

test('a late point that comes while the hour is on its way out, in turns, is in the row that stands', async () => {
  const run = await RollupRun.start({ rowsPerTurnMax: 600 });
  const many = Array.from({ length: 1_500 }, (_, i) => point(`s${i}`, '10:59:50', i));
  run.pipe('10:59:50', many);
  run.pipe('11:00:05');
  expect(run.hours()).toEqual([]);
  run.pipe('11:00:06');
  // Two blocks of three are out; now a point comes for the first, and its minute goes out again.
  run.pipe('11:00:10', [point('s0', '10:59:40', 1_000)]);
  run.pipe('11:00:20');
  const newest = new Map(run.hours().map((line) => [line.split(' ')[1] as string, line]));
  expect(newest.size).toBe(1_500);
  expect(newest.get('s0')).toBe('default s0 11:00:00: 2 1000 1000-0 +0 @3.3');
});

test('a late point of a series that had none in the hour sends its row too', async () => {
  const run = await RollupRun.start();
  run.pipe('10:59:50', [point('a', '10:59:50', 3)]);
  run.pipe('11:00:05');
  run.pipe('11:00:20', [point('late', '10:59:00', 2)]);
  run.pipe('11:00:30');
  expect(run.hours()).toEqual(['default a 11:00:00: 1 3 3-3 +0 @3.0', 'default late 11:00:00: 1 2 2-2 +0 @3.2']);
});

test('values replaced by stale markers take the hour back', async () => {
  const run = await RollupRun.start();
  run.pipe('10:59:50', [point('a', '10:59:50', 3), point('b', '10:10:00', 1)]);
  run.pipe('11:00:05');
  run.pipe('11:00:20', [point('a', '10:59:50', 'stale')]);
  run.pipe('11:05:00');
  expect(run.hours()).toEqual(['default a 11:00:00: 1 3 3-3 +0 @3.0', 'default a 11:00:00: 0 0 NaN-NaN +0 @3.2']);
});

test('an hour goes on through a crash at any minute, and says the same of the same revision', async () => {
  for (let crashAt = 1; crashAt < 66; crashAt += 4) {
    const run = await RollupRun.start();
    for (let minute = 1; minute < 70; minute++) {
      const time = `10:${minute}:00`;
      run.pipe(time, [point('a', time, minute % 7), point('b', time, minute)]);
      if (run.driver.commitRequested) await run.driver.checkpoint();
      if (minute !== crashAt) continue;
      await run.driver.crash();
      // What was not checkpointed is read again.
      const again = run.driver.position('tidemark.raw');
      for (let i = again; i < crashAt; i++) {
        const before = `10:${i + 1}:00`;
        run.pipe(before, [point('a', before, (i + 1) % 7), point('b', before, i + 1)]);
      }
    }
    // 1 to 60: eight full turns of 1..6, 0 with 1 at each return, then 1, 2, 3, 4.
    const rows = [...new Set(run.hours())];
    expect(rows).toEqual([
      `default a 11:00:00: 60 ${8 * 21 + 10} 1-4 +${8 * 6 + 3} @3.59`,
      'default b 11:00:00: 60 1830 1-60 +59 @3.59',
    ]);
  }
});

test('a wall clock on an idle partition closes the hour', async () => {
  const run = await RollupRun.start();
  run.pipe('10:00:30', [point('a', '10:00:30', 1)]);
  await run.driver.advanceWallClock(3_606_000);
  expect(run.hours()).toEqual([]);
  await run.driver.advanceWallClock(2_000);
  expect(run.hours()).toEqual(['default a 11:00:00: 1 1 1-1 +0 @3.0']);
});
