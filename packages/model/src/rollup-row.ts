import { isStale } from './stale.ts';
import type { RawRole } from './topics.ts';

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

/**
 * Offsets of revisions and marks that are of `raw-critical` are this much higher than in the topic: they say by which of the two
 * topics of raw samples a row's points came. Below the 2^50 that columns of whole numbers may hold, with room for offsets.
 */
export const CRITICAL_OFFSETS = 2 ** 48;

export function revisionOffset(source: RawRole, offset: number): number {
  return source === 'raw-critical' ? CRITICAL_OFFSETS + offset : offset;
}

/** The way back: the topic, and the offset in it. */
export function offsetInSource(revision: number): { readonly source: RawRole; readonly offset: number } {
  return revision < CRITICAL_OFFSETS
    ? { source: 'raw', offset: revision }
    : { source: 'raw-critical', offset: revision - CRITICAL_OFFSETS };
}

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
  const row = emptyRow(0);
  return foldRowInto(row, timestampsMs, values, from, to) ? row : undefined;
}

/**
 * `foldRow` into a row that is there, for those who fold millions: a row made is twelve objects for the collector. Returns
 * false when every point is a stale marker; the row is what it was then.
 */
export function foldRowInto(
  row: RollupRow,
  timestampsMs: Float64Array,
  values: Float64Array,
  from: number,
  to: number,
): boolean {
  let i = from;
  while (i < to && isStale(values[i] as number)) i++;
  if (i >= to) return false;
  beginRow(row, timestampsMs[i] as number, values[i] as number);
  let resets = 0;
  for (i++; i < to; i++) {
    const value = values[i] as number;
    if (isStale(value)) continue;
    row.count++;
    addCompensated(row, value);
    if (value < row.min || row.min !== row.min) row.min = value;
    if (value > row.max || row.max !== row.max) row.max = value;
    if (value < row.last) resets += row.last;
    row.last = value;
    row.lastMs = timestampsMs[i] as number;
  }
  row.increase = row.last - row.first + resets;
  return true;
}

function beginRow(row: RollupRow, atMs: number, value: number): void {
  row.count = 1;
  row.sum = 0;
  row.compensation = 0;
  row.min = value;
  row.max = value;
  row.first = value;
  row.firstMs = atMs;
  row.last = value;
  row.lastMs = atMs;
  addCompensated(row, value);
}

/** Merges neighbouring windows, `a` before `b`. */
export function mergeRows(a: RollupRow, b: RollupRow): RollupRow {
  const merged = { ...a };
  mergeRowInto(merged, b);
  return merged;
}

/** `mergeRows` into `a`. */
export function mergeRowInto(a: RollupRow, b: RollupRow): void {
  a.count += b.count;
  if (b.min < a.min || a.min !== a.min) a.min = b.min;
  if (b.max > a.max || a.max !== a.max) a.max = b.max;
  a.increase = a.increase + (b.first < a.last ? b.first : b.first - a.last) + b.increase;
  a.last = b.last;
  a.lastMs = b.lastMs;
  addCompensated(a, b.sum);
  if (Number.isFinite(a.sum)) a.compensation += b.compensation;
}

/** Makes `row` what `from` is. */
export function copyRow(row: RollupRow, from: RollupRow): void {
  row.count = from.count;
  row.sum = from.sum;
  row.compensation = from.compensation;
  row.min = from.min;
  row.max = from.max;
  row.first = from.first;
  row.firstMs = from.firstMs;
  row.last = from.last;
  row.lastMs = from.lastMs;
  row.increase = from.increase;
}

function addCompensated(row: RollupRow, value: number): void {
  const total = row.sum + value;
  if (!Number.isFinite(total)) row.compensation = 0;
  else if (Math.abs(row.sum) >= Math.abs(value)) row.compensation += row.sum - total + value;
  else row.compensation += value - total + row.sum;
  row.sum = total;
}
