import { BatchBuilder, labelsOf, makeRowColumns, type RowBatch } from '@tidemark/model';
import { expect, test } from 'vitest';
import { DEFAULT_MARKS_OPTIONS, Marks } from './marks.ts';

const HOUR_MS = 3_600_000;
const OPTIONS = { ...DEFAULT_MARKS_OPTIONS, delayMs: 100, delayMaxMs: 800, calmMaxMs: 200, overAfterMs: 1_000 };

/** Marks of `metric{n=...}` for an hour. */
function marksOf(metric: string, ns: readonly number[], hour: number, closedThroughMs: number, offset = 7): RowBatch {
  const builder = new BatchBuilder('acme');
  for (const n of ns) builder.addLabels(labelsOf({ __name__: metric, n: `${n}` }), 0, 0);
  const rows = makeRowColumns(ns.length);
  for (let i = 0; i < ns.length; i++) {
    rows.series[i] = i;
    rows.endMs[i] = hour * HOUR_MS;
    rows.lastMs[i] = closedThroughMs;
    rows.offset[i] = offset;
    rows.min[i] = hour * HOUR_MS - 120_000;
    rows.max[i] = hour * HOUR_MS - 60_000;
  }
  return { tenant: 'acme', resolution: '1h', admittedAtMs: 0, series: builder.build(0).series, rows };
}

const summary = (marks: Marks, nowMs: number) =>
  marks.due(nowMs).map(({ metric, hourEndMs, series }) => `${metric} ${hourEndMs / HOUR_MS}: ${series?.size ?? 'all'}`);

test('series of a metric and hour wait together, a moment, for more of the same', () => {
  const marks = new Marks(OPTIONS);
  marks.add(0, marksOf('up', [1, 2], 5, 9 * HOUR_MS), 1_000);
  marks.add(0, marksOf('up', [2, 3], 5, 9 * HOUR_MS), 1_050);
  marks.add(0, marksOf('up', [1], 6, 9 * HOUR_MS), 1_060);
  expect(summary(marks, 1_099)).toEqual([]);
  expect(summary(marks, 1_160)).toEqual(['up 5: 3', 'up 6: 1']);
});

test('while marks keep coming an hour waits for the last of them, up to a limit', () => {
  const marks = new Marks({ ...OPTIONS, calmMaxMs: 1_000 });
  let nowMs = 0;
  for (; nowMs < 990; nowMs += 30) {
    marks.add(0, marksOf('up', [nowMs], 5, 9 * HOUR_MS), nowMs);
    expect(summary(marks, nowMs + 29)).toEqual([]);
  }
  marks.add(0, marksOf('up', [nowMs], 5, 9 * HOUR_MS), nowMs);
  const [hour] = marks.due(1_000);
  if (!hour) throw new Error('it is due');
  // What comes during the repair waits anew.
  const taken = hour.marks;
  marks.postpone(hour, Number.POSITIVE_INFINITY);
  marks.add(0, marksOf('up', [1], 5, 9 * HOUR_MS), 1_020);
  marks.repaired(hour, { marks: taken, whole: true, throughMs: 5 * HOUR_MS, nowMs: 1_050 });
  expect(summary(marks, 1_119)).toEqual([]);
  expect(summary(marks, 1_120)).toEqual(['up 5: 35']);
});

test('an hour under way is done for its minutes, and once more when it is over', () => {
  const marks = new Marks(OPTIONS);
  const endMs = 5 * HOUR_MS;
  marks.add(0, marksOf('up', [1], 5, endMs - 60_000), 1_000);
  const [hour] = marks.due(2_000);
  if (!hour) throw new Error('it is due');
  expect(marks.isOver(hour, 2_000)).toBe(false);
  marks.repaired(hour, { marks: hour.marks, whole: false, throughMs: endMs - 60_000, nowMs: 2_000 });
  expect(summary(marks, endMs + 999)).toEqual([]);
  expect(summary(marks, endMs + 1_000)).toEqual(['up 5: 1']);
  expect(marks.isOver(hour, endMs + 1_000)).toBe(true);
  // Or sooner, when the rollup says so.
  marks.add(0, marksOf('up', [1], 5, endMs), 3_000);
  expect(marks.isOver(hour, 3_000)).toBe(true);
  marks.repaired(hour, { marks: hour.marks, whole: true, throughMs: endMs, nowMs: 3_000 });
  expect(marks.size).toBe(0);
});

test('what is marked again while it is made anew is made anew again', () => {
  const marks = new Marks(OPTIONS);
  marks.add(0, marksOf('up', [1], 5, 9 * HOUR_MS), 0);
  const [hour] = marks.due(100);
  if (!hour) throw new Error('it is due');
  const taken = hour.marks;
  marks.postpone(hour, Number.POSITIVE_INFINITY);
  marks.add(0, marksOf('up', [2], 5, 9 * HOUR_MS), 150);
  marks.repaired(hour, { marks: taken, whole: true, throughMs: 5 * HOUR_MS, nowMs: 160 });
  expect(summary(marks, 250)).toEqual(['up 5: 2']);
});

test('an hour that keeps being marked is made anew less and less often, and forgotten when it is left alone', () => {
  const marks = new Marks(OPTIONS);
  const pauses: number[] = [];
  let nowMs = 0;
  for (let i = 0; i < 6; i++) {
    marks.add(0, marksOf('up', [1], 5, 9 * HOUR_MS), nowMs);
    const markedMs = nowMs;
    while (marks.due(nowMs).length === 0) nowMs += 50;
    pauses.push(nowMs - markedMs);
    const hour = marks.due(nowMs)[0];
    if (!hour) throw new Error('it is due');
    marks.repaired(hour, { marks: hour.marks, whole: true, throughMs: 5 * HOUR_MS, nowMs });
    expect(marks.size).toBe(0);
  }
  expect(pauses).toEqual([100, 200, 400, 800, 800, 800]);
  nowMs += OPTIONS.rememberMs;
  marks.due(nowMs);
  marks.add(0, marksOf('up', [1], 5, 9 * HOUR_MS), nowMs);
  expect(summary(marks, nowMs + 100)).toEqual(['up 5: 1']);
});

test('minutes that are not over yet wait with the hour', () => {
  const marks = new Marks(OPTIONS);
  marks.add(0, marksOf('up', [1], 5, 5 * HOUR_MS - 120_000), 0);
  const hour = marks.due(100)[0];
  if (!hour) throw new Error('it is due');
  expect([hour.firstMinuteMs, hour.lastMinuteMs]).toEqual([5 * HOUR_MS - 120_000, 5 * HOUR_MS - 60_000]);
  marks.repaired(hour, { marks: hour.marks, whole: false, throughMs: 5 * HOUR_MS - 120_000, nowMs: 100 });
  expect(hour.lastMinuteMs).toBe(5 * HOUR_MS - 60_000);
  marks.repaired(hour, { marks: hour.marks, whole: false, throughMs: 5 * HOUR_MS - 60_000, nowMs: 100 });
  expect(hour.firstMinuteMs).toBeGreaterThan(hour.lastMinuteMs);
});

test('a clock set back keeps no mark waiting', () => {
  const marks = new Marks(OPTIONS);
  const aheadMs = 24 * HOUR_MS;
  marks.add(0, marksOf('up', [1], 5, 9 * HOUR_MS), aheadMs);
  expect(summary(marks, aheadMs)).toEqual([]);
  expect(summary(marks, 6 * HOUR_MS)).toEqual(['up 5: 1']);
});

test('bounds: too many series stand for their metric, too many hours are dropped and counted', () => {
  const marks = new Marks({ ...OPTIONS, seriesMax: 3, entriesMax: 2 });
  marks.add(0, marksOf('a', [1, 2], 5, 9 * HOUR_MS), 0);
  marks.add(0, marksOf('b', [1, 2, 3], 5, 9 * HOUR_MS), 0);
  marks.add(0, marksOf('c', [1], 5, 9 * HOUR_MS), 0);
  expect(summary(marks, 100)).toEqual(['a 5: 2', 'b 5: all']);
  expect(marks.dropped).toBe(1);
});
