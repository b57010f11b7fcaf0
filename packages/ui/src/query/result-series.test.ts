import { expect, test } from 'vitest';
import type { Columns } from '../chart/columns.ts';
import { resultSeries } from './result-series.ts';

function columns(count: number): Columns {
  const series = Array.from({ length: count }, (_, i) => ({ metric: { __name__: 'x', i: String(i) }, values: [i] }));
  return { times: [1], series, histogramSeries: 0 };
}

test('series are named by what differs and keyed by their full name', () => {
  expect(resultSeries(columns(2), 10).map(({ key, label }) => [key, label])).toEqual([
    ['x{i="0"}', '0'],
    ['x{i="1"}', '1'],
  ]);
});

test('only as many as the limit are drawn', () => {
  expect(resultSeries(columns(30), 10)).toHaveLength(10);
});

test('a lone line is filled, several are not', () => {
  expect(resultSeries(columns(1), 10)[0]?.filled).toBe(true);
  expect(resultSeries(columns(2), 10)[0]?.filled).toBe(false);
});
