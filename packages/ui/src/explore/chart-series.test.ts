import { expect, test } from 'vitest';
import { type Answered, chartSeries, shares } from './chart-series.ts';

function answered(letter: string, times: number[], ...values: (number | null)[][]): Answered {
  const series = values.map((column, i) => ({ metric: { __name__: 'm', i: String(i) }, values: column }));
  return { letter, columns: { times, series, histogramSeries: 0 } };
}

test('answers a step apart share one axis, with gaps where one has no say', () => {
  const { times, series } = chartSeries(
    [answered('A', [10, 15, 20], [1, 2, 3]), answered('B', [15, 20, 25], [7, 8, 9])],
    100,
    true,
  );
  expect(times).toEqual([10, 15, 20, 25]);
  expect(series.map((one) => one.values)).toEqual([
    [1, 2, 3, null],
    [null, 7, 8, 9],
  ]);
});

test('equal series of two queries stay two, told apart by their letters', () => {
  const { series } = chartSeries([answered('A', [1], [1]), answered('B', [1], [2])], 100, true);
  expect(new Set(series.map((one) => one.key)).size).toBe(2);
  expect(series.map((one) => one.group)).toEqual(['A', 'B']);
});

test('one query has no letters, and a lone series is filled', () => {
  const { series } = chartSeries([answered('A', [1], [1])], 100, false);
  expect([series[0]?.group, series[0]?.filled]).toEqual([undefined, true]);
});

test('names say what differs; beyond the limit series are counted, not drawn', () => {
  const { series, total } = chartSeries([answered('A', [1], [1], [2], [3])], 2, false);
  expect(series.map((one) => one.label)).toEqual(['0', '1']);
  expect(total).toBe(3);
});

test.each<[number[], number, number[]]>([
  [[1000, 2], 100, [98, 2]],
  [[3, 3], 100, [3, 3]],
  [[50, 50, 50], 10, [4, 3, 3]],
  [[5], 0, [0]],
  [[], 10, []],
])('of %j series, %d are shared as %j', (counts, limit, expected) => {
  const given = shares(counts, limit);
  expect(given.reduce((sum, n) => sum + n, 0)).toBe(
    Math.min(
      limit,
      counts.reduce((sum, n) => sum + n, 0),
    ),
  );
  expect([...given].sort()).toEqual([...expected].sort());
});

test('nothing answered draws nothing', () => {
  expect(chartSeries([], 10, false)).toEqual({ times: [], series: [], total: 0, histogramSeries: 0 });
});
