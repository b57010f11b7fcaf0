import { expect, test } from 'vitest';
import { foldRow, mergeRows, type RollupRow } from './rollup-row.ts';
import { writeStale } from './stale.ts';

function fold(...values: number[]): RollupRow {
  const times = Float64Array.from(values, (_, i) => i * 1000);
  return foldRow(times, Float64Array.from(values), 0, values.length) as RollupRow;
}

test('count, sum, min, max, first, last with times', () => {
  expect(fold(3, 1, 2)).toEqual({
    count: 3,
    sum: 6,
    compensation: 0,
    min: 1,
    max: 3,
    first: 3,
    firstMs: 0,
    last: 2,
    lastMs: 2000,
    increase: 2,
  });
});

test('increase counts what came before every reset', () => {
  expect(fold(10, 15, 3, 8, 1).increase).toBe(1 - 10 + 15 + 8);
});

test('small numbers survive beside great ones', () => {
  const row = fold(1e16, 1, 1, -1e16);
  expect(row.sum + row.compensation).toBe(2);
});

test('an infinity zeroes the compensation; NaN loses against numbers in min and max', () => {
  expect(fold(1e16, 1, Number.POSITIVE_INFINITY)).toMatchObject({ sum: Number.POSITIVE_INFINITY, compensation: 0 });
  expect(fold(Number.NaN, 4, 2)).toMatchObject({ min: 2, max: 4, count: 3, sum: Number.NaN });
  expect(fold(Number.NaN)).toMatchObject({ min: Number.NaN, max: Number.NaN, count: 1 });
});

test('stale markers are no points', () => {
  const values = Float64Array.of(0, 5, 0);
  writeStale(values, 0);
  writeStale(values, 2);
  expect(foldRow(Float64Array.of(1, 2, 3), values, 0, 3)).toMatchObject({ count: 1, first: 5, lastMs: 2 });
  expect(foldRow(Float64Array.of(1, 2, 3), values, 0, 1)).toBeUndefined();
});

test('merging neighbours equals folding them at once, the step between them included', () => {
  for (const cut of [1, 2, 3, 4]) {
    const values = [10, 15, 3, 8, 1];
    const left = foldRow(Float64Array.of(0, 1, 2, 3, 4), Float64Array.from(values), 0, cut) as RollupRow;
    const right = foldRow(Float64Array.of(0, 1, 2, 3, 4), Float64Array.from(values), cut, 5) as RollupRow;
    expect(mergeRows(left, right)).toEqual(foldRow(Float64Array.of(0, 1, 2, 3, 4), Float64Array.from(values), 0, 5));
  }
});
