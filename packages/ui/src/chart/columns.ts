// From a range answer to what a chart draws: one column of times, one column of values per series, all on one grid.
//
//   answer   a: (10,1) (15,2)        (25,4)          times  10   15   20    25
//            b:        (15,7) (20,8)                 a       1    2   null   4
//                                                    b     null   7    8   null
//
// A step without a sample is null and draws as a gap: an absent value is never bridged by a line.

import { readValue } from '../api/number.ts';
import type { Labels, RangeSeries } from '../api/types.ts';

export type Column = (number | null)[];

export interface Columns {
  /** Seconds since the epoch, ascending, one step apart. */
  readonly times: readonly number[];
  readonly series: readonly { readonly metric: Labels; readonly values: Column }[];
  /** Series that hold only native histograms, which a line cannot show. */
  readonly histogramSeries: number;
}

export interface Grid {
  readonly start: number;
  readonly end: number;
  readonly stepSeconds: number;
}

/** Times of a grid; the last is the last step not after `end`. */
export function gridTimes(grid: Grid): number[] {
  const count = Math.max(0, Math.floor((grid.end - grid.start) / grid.stepSeconds + 1e-6) + 1);
  return Array.from({ length: count }, (_, i) => grid.start + i * grid.stepSeconds);
}

function toColumn(series: RangeSeries, grid: Grid, count: number): Column {
  const column: Column = new Array<number | null>(count).fill(null);
  for (const [at, text] of series.values ?? []) {
    const index = Math.round((at - grid.start) / grid.stepSeconds);
    const value = readValue(text);
    // NaN and infinities have no place on an axis; they leave a gap, and the table shows them as they are.
    if (index >= 0 && index < count && Number.isFinite(value)) column[index] = value;
  }
  return column;
}

export function toColumns(answer: readonly RangeSeries[], grid: Grid): Columns {
  const times = gridTimes(grid);
  const drawable = answer.filter((series) => series.values !== undefined && series.values.length > 0);
  return {
    times,
    series: drawable.map((series) => ({ metric: series.metric, values: toColumn(series, grid, times.length) })),
    histogramSeries: answer.length - drawable.length,
  };
}

/** The last value that is there, or null in an empty column. */
export function lastValue(column: Column): number | null {
  return column.findLast((value) => value !== null) ?? null;
}

/** Indices of values whose neighbours are both gaps: a line cannot show them, so they are drawn as points. */
export function isolatedIndices(column: readonly (number | null | undefined)[]): number[] {
  const found: number[] = [];
  for (let i = 0; i < column.length; i++) {
    if (column[i] != null && column[i - 1] == null && column[i + 1] == null) found.push(i);
  }
  return found;
}
