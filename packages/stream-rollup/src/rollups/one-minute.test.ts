import { SelfMetrics } from '@tidemark/base';
import {
  BatchBuilder,
  decodeRowBatch,
  encodeSampleBatch,
  labelsOf,
  type RowBatch,
  sectionLabels,
  writeStale,
} from '@tidemark/model';
import { expect, test } from 'vitest';
import type { WindowPointStore } from '../state/window-store.ts';
import { TopologyTestDriver } from '../testing/topology-driver.ts';
import { rollupMetrics } from './metrics.ts';
import type { RollupOptions } from './options.ts';
import { createRollupTopology, OPEN_WINDOWS } from './rollup-topology.ts';

/** `10:01:05` of a day at the beginning of an hour; all tests happen around ten. */
function at(time: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number);
  return 1_700_006_400_000 + ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}

const timeOf = (ms: number) => new Date(ms - 1_700_006_400_000).toISOString().slice(11, 19);

interface Point {
  readonly series: string;
  readonly time: string;
  readonly value: number | 'stale';
}

const point = (series: string, time: string, value: number | 'stale'): Point => ({ series, time, value });

class Run {
  readonly driver: TopologyTestDriver;
  readonly metrics = rollupMetrics(new SelfMetrics());
  sections: RowBatch['series'][] = [];

  private constructor(driver: TopologyTestDriver, metrics: ReturnType<typeof rollupMetrics>) {
    this.driver = driver;
    this.metrics = metrics;
  }

  static async start(options: Partial<RollupOptions> = {}): Promise<Run> {
    const metrics = rollupMetrics(new SelfMetrics());
    const topology = createRollupTopology({ generation: 3, metrics, options });
    return new Run(await TopologyTestDriver.start(topology, { startMs: at('10:00:00') }), metrics);
  }

  /** One batch, admitted at `admitted`. Returns the rows that came of it. */
  pipe(admitted: string, points: readonly Point[] = [], tenant = 'default'): string[] {
    const builder = new BatchBuilder(tenant);
    for (const { series, time, value } of points) {
      builder.addLabels(labelsOf({ __name__: series }), at(time), value === 'stale' ? 0 : value);
    }
    const batch = builder.build(at(admitted));
    points.forEach(({ value }, i) => {
      if (value === 'stale') writeStale(batch.values, i);
    });
    this.driver.pipe('tidemark.raw', { value: encodeSampleBatch(batch), timestampMs: at(admitted) });
    return this.rows();
  }

  /** `tenant series end: count sum first-last +increase @revision` */
  rows(): string[] {
    return this.driver.outputs('tidemark.1m').flatMap(({ value }) => {
      const { tenant, series, rows } = decodeRowBatch(value as Uint8Array);
      this.sections.push(series);
      return Array.from({ length: rows.length }, (_, i) => {
        const name = sectionLabels(series, rows.series[i] as number)[0]?.value;
        const sum = (rows.sum[i] as number) + (rows.compensation[i] as number);
        return `${tenant} ${name} ${timeOf(rows.endMs[i] as number)}: ${rows.count[i]} ${sum} ${rows.first[i]}-${rows.last[i]} +${rows.increase[i]} @${rows.generation[i]}.${rows.offset[i]}`;
      });
    });
  }

  dropped(reason: string): number {
    return this.metrics.droppedPoints.with(reason).value();
  }
}

test('a window is left-open: a point on the edge belongs to the window that ends there', async () => {
  const run = await Run.start();
  const points = [point('a', '10:00:00', 1), point('a', '10:00:30', 2), point('a', '10:01:00', 4)];
  expect(run.pipe('10:01:00', points)).toEqual(['default a 10:00:00: 1 1 1-1 +0 @3.0']);
  expect(run.pipe('10:01:04.999')).toEqual([]);
  expect(run.pipe('10:01:05')).toEqual(['default a 10:01:00: 2 6 2-4 +2 @3.0']);
  expect(run.driver.store<WindowPointStore>(OPEN_WINDOWS).windowCount).toBe(2);
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

test('series that are gone are forgotten, those that stay keep their rows', async () => {
  const run = await Run.start();
  const many = Array.from({ length: 1_500 }, (_, i) => point(`gone_${i}`, '10:00:10', 1));
  run.pipe('10:00:10', [...many, point('stays', '10:00:10', 1)]);
  const store = run.driver.store<WindowPointStore>(OPEN_WINDOWS);
  expect(run.pipe('10:01:05').length).toBe(1_501);
  run.pipe('10:05:50', [point('stays', '10:05:50', 2)]);
  expect(store.seriesCount).toBe(1_501);
  run.pipe('10:06:00', [point('stays', '10:05:55', 3), point('new', '10:05:55', 3)]);
  expect(store.seriesCount).toBe(2);
  expect(run.pipe('10:06:05')).toEqual([
    'default stays 10:06:00: 2 5 2-3 +1 @3.3',
    'default new 10:06:00: 1 3 3-3 +0 @3.3',
  ]);
});
