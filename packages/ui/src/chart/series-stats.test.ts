import { expect, test } from 'vitest';
import { type LegendSort, legendOrder, nextLegendSort, statsOf } from './series-stats.ts';

test('least, most and last, gaps not counted', () => {
  expect(statsOf([null, 3, -1, null, 2, null])).toEqual({ min: -1, max: 3, last: 2 });
  expect(statsOf([null])).toEqual({ min: null, max: null, last: null });
  expect(statsOf([])).toEqual({ min: null, max: null, last: null });
});

const rows = [
  { label: 'b10', stats: statsOf([5, 1]) },
  { label: 'b9', stats: statsOf([2, 7]) },
  { label: 'a', stats: statsOf([null]) },
];

test.each<[LegendSort, number[]]>([
  [null, [0, 1, 2]],
  [{ by: 'name', descending: false }, [2, 1, 0]],
  [{ by: 'max', descending: true }, [1, 0, 2]],
  [{ by: 'max', descending: false }, [0, 1, 2]],
  [{ by: 'last', descending: true }, [1, 0, 2]],
])('sorted by %o', (sort, order) => expect(legendOrder(rows, sort)).toEqual(order));

test('a third click leads back to the order of the answer', () => {
  const first = nextLegendSort(null, 'max');
  const second = nextLegendSort(first, 'max');
  expect([first?.descending, second?.descending, nextLegendSort(second, 'max')]).toEqual([true, false, null]);
  expect(nextLegendSort(first, 'name')).toEqual({ by: 'name', descending: false });
});
