import { expect, test } from 'vitest';
import { type Column, Columns } from '../chunk/columns.ts';
import { ROW_COLUMN_COUNT, ROW_COLUMNS } from '../chunk/rollup-columns.ts';
import { type Erasure, eraseEntries } from './erase.ts';

// Where a delete begins and ends: both are in it.

const ERASURE: Erasure = { startMs: 1000, endMs: 2000, offset: 7, criticalOffset: -1 };

/** The times that are left. */
function left(timesMs: readonly number[], erasures: readonly Erasure[], from = 0): number[] {
  const columns = new Columns(1, 16);
  columns.reserve(timesMs.length);
  columns.length = timesMs.length;
  for (const [i, timeMs] of timesMs.entries()) columns.timestampsMs[i] = timeMs;
  eraseEntries(columns, from, erasures);
  return [...columns.timestampsMs.subarray(0, columns.length)];
}

test('samples from the start to the end of a delete, both in it', () => {
  expect(left([998, 999, 1000, 1001, 1999, 2000, 2001], [ERASURE])).toEqual([998, 999, 2001]);
  expect(left([1000, 2000], [{ ...ERASURE, endMs: 1000 }])).toEqual([2000]);
});

test('without a start, without an end, and of two that meet', () => {
  const all = { ...ERASURE, startMs: Number.NEGATIVE_INFINITY, endMs: Number.POSITIVE_INFINITY };
  expect(left([0, 5, 10 ** 12], [all])).toEqual([]);
  expect(left([999, 1000, 2000, 2001, 3000, 3001], [ERASURE, { ...ERASURE, startMs: 2001, endMs: 3000 }])).toEqual([
    999, 3001,
  ]);
});

test('only from where it is asked', () => {
  expect(left([1000, 1500, 1600, 2500], [ERASURE], 2)).toEqual([1000, 1500, 2500]);
});

test.each([
  ['wholly in its time, read no further', { endMs: 2000, firstMs: 1000, lastMs: 2000, offset: 7 }, true],
  ['read one record further', { endMs: 2000, firstMs: 1000, lastMs: 2000, offset: 8 }, false],
  ['with a point before it', { endMs: 2000, firstMs: 999, lastMs: 2000, offset: 7 }, false],
  ['with a point after it', { endMs: 2001, firstMs: 1000, lastMs: 2001, offset: 7 }, false],
  ['that is stamped after its points', { endMs: 60_000, firstMs: 1000, lastMs: 2000, offset: 0 }, true],
])('a row %s: gone is %s', (_, row, isGone) => {
  const columns = new Columns(ROW_COLUMN_COUNT, 16);
  columns.reserve(1);
  columns.length = 1;
  columns.timestampsMs[0] = row.endMs;
  const set = (name: (typeof ROW_COLUMNS)[number], value: number) => {
    (columns.columns[ROW_COLUMNS.indexOf(name)] as Column).values[0] = value;
  };
  // As they are kept: by how much they are before the row's time.
  set('firstMs', row.endMs - row.firstMs);
  set('lastMs', row.endMs - row.lastMs);
  set('offset', row.offset);
  eraseEntries(columns, 0, [ERASURE]);
  expect(columns.length).toBe(isGone ? 0 : 1);
});
