import { expect, test } from 'vitest';
import type { QueryResult } from '../api/types.ts';
import { nextSort, type Sort, sortRows, toTable } from './table-rows.ts';

const wide = 6;

function vector(...values: readonly (readonly [string, string])[]): QueryResult {
  return {
    resultType: 'vector',
    result: values.map(([cpu, value]) => ({ metric: { __name__: 'x', cpu }, value: [1, value] })),
  };
}

function sorted(result: QueryResult, sort: Sort): (string | undefined)[] {
  return sortRows(toTable(result, wide).rows, sort).map((row) => row.metric['cpu']);
}

test('labels are columns, the name first', () => {
  const table = toTable(
    { resultType: 'vector', result: [{ metric: { a: '1', __name__: 'x' }, value: [1, '2'] }] },
    wide,
  );
  expect(table.labels).toEqual(['__name__', 'a']);
  expect(table.rows.map((row) => [row.text, row.value])).toEqual([['2', 2]]);
});

test('more labels than fit are told in one column', () => {
  expect(toTable(vector(['1', '1']), 1).labels).toEqual([]);
});

test('labels sort as people count: 10 comes after 2', () => {
  expect(sorted(vector(['10', '1'], ['2', '1'], ['1', '1']), { column: 'cpu', descending: false })).toEqual([
    '1',
    '2',
    '10',
  ]);
});

test('values sort as numbers, infinities at the ends, NaN last both ways', () => {
  const result = vector(['a', '10'], ['b', 'NaN'], ['c', '9'], ['d', '+Inf'], ['e', '-Inf']);
  expect(sorted(result, { column: 'value', descending: true })).toEqual(['d', 'a', 'c', 'e', 'b']);
  expect(sorted(result, { column: 'value', descending: false })).toEqual(['e', 'c', 'a', 'd', 'b']);
});

test('equal rows keep the order of the answer, and no sort is the order of the answer', () => {
  const result = vector(['b', '1'], ['a', '1']);
  expect(sorted(result, { column: 'value', descending: true })).toEqual(['b', 'a']);
  expect(sortRows(toTable(result, wide).rows, null).map((row) => row.metric['cpu'])).toEqual(['b', 'a']);
});

test('scalars, strings, ranges and histograms have rows too', () => {
  const rows = (result: QueryResult) => toTable(result, wide).rows.map((row) => row.text);
  expect(rows({ resultType: 'scalar', result: [1, '42'] })).toEqual(['42']);
  expect(rows({ resultType: 'string', result: [1, 'hello'] })).toEqual(['hello']);
  expect(
    rows({
      resultType: 'matrix',
      result: [
        {
          metric: {},
          values: [
            [1, '1'],
            [2, '7'],
          ],
        },
      ],
    }),
  ).toEqual(['7']);
  expect(rows({ resultType: 'vector', result: [{ metric: {}, histogram: [1, { count: '3', sum: '4.5' }] }] })).toEqual([
    'histogram: count 3, sum 4.5',
  ]);
});

test('clicks on a head go up, down and back; values begin with the greatest', () => {
  const clicks = (column: string) => {
    const first = nextSort(null, column);
    const second = nextSort(first, column);
    return [first, second, nextSort(second, column)].map((sort) => sort?.descending);
  };
  expect(clicks('cpu')).toEqual([false, true, undefined]);
  expect(clicks('value')).toEqual([true, false, undefined]);
  expect(nextSort({ column: 'cpu', descending: true }, 'value')).toEqual({ column: 'value', descending: true });
});
