import { expect, test } from 'vitest';
import { gridTimes, isolatedIndices, lastValue, toColumns } from './columns.ts';

const grid = { start: 10, end: 25, stepSeconds: 5 };

test('series of one answer stand on one grid, absent steps are gaps', () => {
  const columns = toColumns(
    [
      {
        metric: { a: '1' },
        values: [
          [10, '1'],
          [15, '2'],
          [25, '4'],
        ],
      },
      {
        metric: { a: '2' },
        values: [
          [15, '7'],
          [20, '8'],
        ],
      },
    ],
    grid,
  );
  expect(columns.times).toEqual([10, 15, 20, 25]);
  expect(columns.series.map((series) => series.values)).toEqual([
    [1, 2, null, 4],
    [null, 7, 8, null],
  ]);
});

test('NaN and infinities leave a gap', () => {
  const columns = toColumns(
    [
      {
        metric: {},
        values: [
          [10, 'NaN'],
          [15, '+Inf'],
          [20, '-Inf'],
          [25, '3'],
        ],
      },
    ],
    grid,
  );
  expect(columns.series[0]?.values).toEqual([null, null, null, 3]);
});

test('times a little off the grid, as milliseconds round them, still find their step', () => {
  const columns = toColumns(
    [
      {
        metric: {},
        values: [
          [10.001, '1'],
          [19.999, '2'],
        ],
      },
    ],
    grid,
  );
  expect(columns.series[0]?.values).toEqual([1, null, 2, null]);
});

test('samples outside the grid are left out', () => {
  const columns = toColumns(
    [
      {
        metric: {},
        values: [
          [0, '9'],
          [10, '1'],
          [60, '9'],
        ],
      },
    ],
    grid,
  );
  expect(columns.series[0]?.values).toEqual([1, null, null, null]);
});

test('a series of native histograms is counted, not drawn', () => {
  const columns = toColumns([{ metric: {}, histograms: [[10, { count: '1', sum: '2' }]] }], grid);
  expect([columns.series.length, columns.histogramSeries]).toEqual([0, 1]);
});

test('a grid ends at the last step not after its end, whatever fractions do', () => {
  expect(gridTimes({ start: 0, end: 0.3, stepSeconds: 0.1 })).toHaveLength(4);
  expect(gridTimes({ start: 0, end: 12, stepSeconds: 5 })).toEqual([0, 5, 10]);
  expect(gridTimes({ start: 10, end: 0, stepSeconds: 5 })).toEqual([]);
});

test('the last value skips gaps at the end', () => {
  expect([lastValue([1, 2, null]), lastValue([null]), lastValue([])]).toEqual([2, null, null]);
});

test('a value between two gaps is found: no line would show it', () => {
  expect(isolatedIndices([1, null, 2, null, 3, 4, null, 5])).toEqual([0, 2, 7]);
});
