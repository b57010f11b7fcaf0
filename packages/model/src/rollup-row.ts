import { isStale } from './stale.ts';

// What a rollup row says of the points of one series in one window `(end - resolution, end]`, and how rows merge.
//
//   count            points, NaN values included, stale markers not
//   sum+compensation Neumaier's compensated sum (1974), in time order; a non-finite partial sum zeroes the compensation
//   min, max         NaN loses against any number; NaN only when every point is NaN
//   first, last      values with their times
//   increase         counter increase inside the window: last - first, plus the value before every drop (a reset)
//
// Merging two neighbours A then B adds the counter step between A.last and B.first: B.first - A.last, or B.first after a
// reset. Every number is defined to the bit by this file, so that two computations of a row can be compared exactly.

/**
 * Who made a row: the greatest generation of a row stands. Marks are rows of none (docs/format/topics.md); what is made anew
 * from raw samples beats what the rollup made of a stream. A change of partitioning would raise the latter two by two.
 */
export const GENERATIONS = { mark: 0, rollup: 1, repair: 2 } as const;

/** Takes a row back: its window turned out to hold stale markers only. Readers take a count of 0 for no row. */
export function emptyRow(endMs: number): RollupRow {
  const nothing = Number.NaN;
  return {
    count: 0,
    sum: 0,
    compensation: 0,
    min: nothing,
    max: nothing,
    first: nothing,
    firstMs: endMs,
    last: nothing,
    lastMs: endMs,
    increase: 0,
  };
}

export interface RollupRow {
  count: number;
  sum: number;
  compensation: number;
  min: number;
  max: number;
  first: number;
  firstMs: number;
  last: number;
  lastMs: number;
  increase: number;
}

/**
 * Folds the points `[from, to)` of one window. Requires times strictly rising (duplicates resolved before).
 * Returns undefined when every point is a stale marker.
 */
export function foldRow(
  timestampsMs: Float64Array,
  values: Float64Array,
  from: number,
  to: number,
): RollupRow | undefined {
  let row: RollupRow | undefined;
  let resets = 0;
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    if (isStale(value)) continue;
    if (row === undefined) {
      const atMs = timestampsMs[i] as number;
      row = {
        count: 1,
        sum: 0,
        compensation: 0,
        min: value,
        max: value,
        first: value,
        firstMs: atMs,
        last: value,
        lastMs: atMs,
        increase: 0,
      };
      addCompensated(row, value);
      continue;
    }
    row.count++;
    addCompensated(row, value);
    if (value < row.min || row.min !== row.min) row.min = value;
    if (value > row.max || row.max !== row.max) row.max = value;
    if (value < row.last) resets += row.last;
    row.last = value;
    row.lastMs = timestampsMs[i] as number;
  }
  if (row !== undefined) row.increase = row.last - row.first + resets;
  return row;
}

/** Merges neighbouring windows, `a` before `b`. */
export function mergeRows(a: RollupRow, b: RollupRow): RollupRow {
  const merged: RollupRow = {
    count: a.count + b.count,
    sum: a.sum,
    compensation: a.compensation,
    min: b.min < a.min || a.min !== a.min ? b.min : a.min,
    max: b.max > a.max || a.max !== a.max ? b.max : a.max,
    first: a.first,
    firstMs: a.firstMs,
    last: b.last,
    lastMs: b.lastMs,
    increase: a.increase + (b.first < a.last ? b.first : b.first - a.last) + b.increase,
  };
  addCompensated(merged, b.sum);
  if (Number.isFinite(merged.sum)) merged.compensation += b.compensation;
  return merged;
}

function addCompensated(row: RollupRow, value: number): void {
  const total = row.sum + value;
  if (!Number.isFinite(total)) row.compensation = 0;
  else if (Math.abs(row.sum) >= Math.abs(value)) row.compensation += row.sum - total + value;
  else row.compensation += value - total + row.sum;
  row.sum = total;
}
