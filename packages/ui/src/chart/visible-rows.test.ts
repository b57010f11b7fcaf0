import { expect, test } from 'vitest';
import { overscanRows, visibleRows } from './visible-rows.ts';

test('a short list is there whole', () => expect(visibleRows(5, 20, 0, 200)).toEqual({ first: 0, end: 5 }));

test('of a long list, what is seen and a little around it', () => {
  expect(visibleRows(5000, 20, 2000, 200)).toEqual({ first: 100 - overscanRows, end: 110 + overscanRows });
});

test('scrolled past its end, a list that became shorter has no negative part', () => {
  const { first, end } = visibleRows(10, 20, 90_000, 200);
  expect([first <= end, end]).toEqual([true, 10]);
});
