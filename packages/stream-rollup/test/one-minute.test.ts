import { BatchBuilder, encodeSampleBatch, labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { at, point, RollupRun as Run } from './rollup-run.ts';

test('a window is left-open: a point on the edge belongs to the window that ends there', async () => {
  const run = await Run.start();
  const points = [point('a', '10:00:00', 1), point('a', '10:00:30', 2), point('a', '10:01:00', 4)];
  expect(run.pipe('10:01:00', points)).toEqual(['default a 10:00:00: 1 1 1-1 +0 @3.0']);
  expect(run.pipe('10:01:04.999')).toEqual([]);
  expect(run.pipe('10:01:05')).toEqual(['default a 10:01:00: 2 6 2-4 +2 @3.0']);
  expect(run.windows.windowCount).toBe(2);
});

test('the admission clock closes windows; a host with a wrong clock closes none', async () => {
  const run = await Run.start();
  run.pipe('10:00:10', [point('right', '10:00:10', 1), point('wrong', '10:09:10', 1)]);
  expect(run.pipe('10:00:40', [point('right', '10:00:40', 2)])).toEqual([]);
  expect(run.pipe('10:01:05')).toEqual(['default right 10:01:00: 2 3 1-2 +1 @3.1']);
});

test('a late point sends its row again, whole and of a newer revision, until grace is over', async () => {
  const run = await Run.start();
  run.pipe('10:00:30', [point('a', '10:00:20', 1), point('b', '10:00:20', 1)]);
  expect(run.pipe('10:01:05')).toEqual(['default a 10:01:00: 1 1 1-1 +0 @3.0', 'default b 10:01:00: 1 1 1-1 +0 @3.0']);
  expect(run.pipe('10:01:06', [point('a', '10:00:10', 5)])).toEqual([]); // not at once: rows go again together
  expect(run.pipe('10:01:07', [point('a', '10:00:30', 2)])).toEqual([]);
  expect(run.pipe('10:01:10')).toEqual(['default a 10:01:00: 3 8 5-2 +2 @3.3']);
  expect(run.pipe('10:05:57', [point('b', '10:00:50', 4)])).toEqual(['default b 10:01:00: 2 5 1-4 +3 @3.5']);
  expect(run.pipe('10:05:59', [point('b', '10:00:50', 7)])).toEqual([]);
  // Grace ends: what is dirty goes out, what comes now is dropped.
  expect(run.pipe('10:06:00', [point('b', '10:00:51', 9)])).toEqual(['default b 10:01:00: 2 8 1-7 +6 @3.6']);
  expect(run.dropped('beyond_grace')).toBe(1);
  expect(run.metrics.latePoints.value()).toBe(4);
});

test('the points of a window are packed ten seconds after its rows went out, and still make its rows', async () => {
  const run = await Run.start();
  run.pipe('10:00:30', [point('a', '10:00:20', 1), point('b', '10:00:20', 1)]);
  run.pipe('10:01:05');
  run.pipe('10:01:14.999');
  expect(run.windows.memoryBytes().pool).toBe(0);
  const open = run.windows.memoryBytes().points;
  run.pipe('10:01:15');
  expect(run.windows.memoryBytes().pool).toBeGreaterThan(0);
  expect(run.windows.memoryBytes().points).toBeLessThan(open / 10);
  expect(run.pipe('10:01:20', [point('a', '10:00:40', 5)])).toEqual(['default a 10:01:00: 2 6 1-5 +4 @3.4']);
});

test('the same sample again changes nothing; another value for the same time holds if it is last', async () => {
  const run = await Run.start();
  run.pipe('10:00:30', [point('a', '10:00:20', 1), point('a', '10:00:10', 3)]);
  run.pipe('10:00:31', [point('a', '10:00:20', 1)]);
  run.pipe('10:00:32', [point('a', '10:00:20', 2)]);
  expect(run.pipe('10:01:05')).toEqual(['default a 10:01:00: 2 5 3-2 +2 @3.2']);
  run.pipe('10:01:20', [point('a', '10:00:20', 2)]);
  expect(run.pipe('10:01:40')).toEqual([]);
  expect(run.metrics.duplicatePoints.value()).toBe(2);
  expect(run.metrics.replacedPoints.value()).toBe(1);
});

test('stale markers are no points; a value replaced by one takes its row back', async () => {
  const run = await Run.start();
  run.pipe('10:00:30', [
    point('a', '10:00:20', 1),
    point('b', '10:00:20', 'stale'),
    point('c', '10:00:20', Number.NaN),
  ]);
  expect(run.pipe('10:01:05')).toEqual([
    'default a 10:01:00: 1 1 1-1 +0 @3.0',
    'default c 10:01:00: 1 NaN NaN-NaN +NaN @3.0',
  ]);
  run.pipe('10:01:06', [point('a', '10:00:20', 'stale')]);
  expect(run.pipe('10:01:20')).toEqual(['default a 10:01:00: 0 0 NaN-NaN +0 @3.2']);
});

test('an idle partition closes its windows by the wall clock', async () => {
  const run = await Run.start();
  await run.driver.advanceWallClock(30_000);
  run.pipe('10:00:30', [point('a', '10:00:20', 1)]);
  await run.driver.advanceWallClock(36_000);
  expect(run.rows()).toEqual([]);
  await run.driver.advanceWallClock(2_000);
  expect(run.rows()).toEqual(['default a 10:01:00: 1 1 1-1 +0 @3.0']);
  // What was on its way is late, not lost: points are kept by the admission clock.
  await run.driver.advanceWallClock(3_600_000);
  run.pipe('10:00:59', [point('a', '10:00:50', 2)]);
  await run.driver.advanceWallClock(10_000);
  expect(run.rows()).toEqual(['default a 10:01:00: 2 3 1-2 +1 @3.1']);
});

test('a gateway whose clock is far ahead of the log closes windows a minute early at most', async () => {
  const run = await Run.start();
  const builder = new BatchBuilder('default');
  builder.addLabels(labelsOf({ __name__: 'a' }), at('10:00:20'), 1);
  const value = encodeSampleBatch(builder.build(at('22:00:00')));
  run.driver.pipe('tidemark.raw', { value, timestampMs: at('10:00:30') });
  expect(run.rows()).toEqual(['default a 10:01:00: 1 1 1-1 +0 @3.0']);
  expect(run.pipe('10:00:31', [point('a', '10:00:25', 2)])).toEqual([]);
  expect(run.pipe('10:01:36')).toEqual(['default a 10:01:00: 2 3 1-2 +1 @3.1']);
});

test('too far ahead, and times that are no whole milliseconds, are dropped and counted', async () => {
  const run = await Run.start();
  run.pipe('10:00:00', [point('a', '10:10:00', 1), point('a', '10:10:00.001', 1), point('a', '10:00:00.0005', 1)]);
  expect(run.dropped('too_far_in_future')).toBe(1);
  expect(run.dropped('timestamp_invalid')).toBe(1);
  expect(run.metrics.duplicatePoints.value()).toBe(0);
});

test('tenants have rows of their own, the same labels or not', async () => {
  const run = await Run.start();
  run.pipe('10:00:10', [point('a', '10:00:10', 1)], 'acme');
  run.pipe('10:00:10', [point('a', '10:00:10', 10), point('b', '10:00:10', 5)], 'other');
  run.pipe('10:00:20', [point('a', '10:00:20', 2)], 'acme');
  expect(run.pipe('10:01:05')).toEqual([
    'acme a 10:01:00: 2 3 1-2 +1 @3.2',
    'other a 10:01:00: 1 10 10-10 +0 @3.1',
    'other b 10:01:00: 1 5 5-5 +0 @3.1',
  ]);
});

test('a steady set of series is named by the same section object minute after minute', async () => {
  const run = await Run.start();
  for (const minute of ['00', '01', '02'])
    run.pipe(`10:${minute}:10`, [point('a', `10:${minute}:10`, 1), point('b', `10:${minute}:10`, 1)]);
  run.pipe('10:03:05', [point('c', '10:03:04', 1)]);
  run.pipe('10:04:05');
  expect(run.sections.length).toBe(4);
  expect(run.sections[1]).toBe(run.sections[0]);
  expect(run.sections[2]).toBe(run.sections[0]);
  expect(run.sections[3]).not.toBe(run.sections[0]);
});

test('more series than allowed are dropped and counted, the others go on', async () => {
  const run = await Run.start({ seriesMax: 2 });
  run.pipe('10:00:10', [point('a', '10:00:10', 1), point('b', '10:00:10', 1), point('c', '10:00:10', 1)]);
  run.pipe('10:00:20', [point('c', '10:00:20', 1), point('a', '10:00:20', 1)]);
  expect(run.dropped('series_limit')).toBe(2);
  expect(run.pipe('10:01:05').length).toBe(2);
});

test('series and tenants that are gone are forgotten once their hour is over; those that stay keep their rows', async () => {
  const run = await Run.start();
  const many = Array.from({ length: 1_500 }, (_, i) => point(`gone_${i}`, '10:57:10', 1));
  run.pipe('10:57:10', [...many, point('stays', '10:57:10', 1)]);
  for (let i = 0; i < 100; i++) run.pipe('10:57:10', [point('a', '10:57:10', 1)], `tenant_${i}`);
  const store = run.windows;
  expect(run.pipe('10:58:05').length).toBe(1_601);
  run.pipe('11:00:50', [point('stays', '11:00:50', 2)]);
  run.pipe('11:04:59', [point('new', '11:04:59', 7)]);
  expect([store.seriesCount, store.tenants.length]).toEqual([1_602, 101]);
  run.pipe('11:06:00', [point('stays', '11:05:55', 3), point('new', '11:05:55', 3)]);
  expect([store.seriesCount, store.tenants.length]).toEqual([2, 1]);
  expect(run.pipe('11:06:05')).toEqual([
    'default stays 11:06:00: 1 3 3-3 +0 @3.104',
    'default new 11:06:00: 1 3 3-3 +0 @3.104',
  ]);
  run.pipe('12:00:05');
  expect(run.hours().slice(-2)).toEqual([
    'default stays 12:00:00: 2 5 2-3 +1 @3.104',
    'default new 12:00:00: 2 10 7-3 +3 @3.104',
  ]);
});
