import { expect, test } from 'vitest';
import { queriesMax } from '../url/page-state.ts';
import {
  addQuery,
  duplicateQuery,
  letterOf,
  moveQuery,
  placeExpr,
  type Queries,
  removeQuery,
  toggleQuery,
  withDrafts,
} from './query-list.ts';

const three: Queries = ['a', 'b', 'c'].map((expr, id) => ({ id, expr, hidden: false }));
const exprs = (queries: Queries) => queries.map((query) => query.expr).join(' ');
const ids = (queries: Queries) => new Set(queries.map((query) => query.id)).size;

test('places have letters', () => expect([0, 1, 11].map(letterOf)).toEqual(['A', 'B', 'L']));

test('queries are added, copied beside their original, moved and removed', () => {
  expect(exprs(addQuery(three, 'd'))).toBe('a b c d');
  expect(exprs(duplicateQuery(three, 0, 'a2'))).toBe('a a2 b c');
  expect(exprs(moveQuery(three, 2, -1))).toBe('a c b');
  expect(exprs(moveQuery(three, 0, 1))).toBe('b a c');
  expect(exprs(removeQuery(three, 1))).toBe('a c');
});

test('every query has an id of its own, also after a removal', () => {
  const again = addQuery(addQuery(removeQuery(three, 2)));
  expect(ids(again)).toBe(again.length);
  expect(ids(duplicateQuery(three, 1, 'b'))).toBe(4);
});

test('the ends of the list are ends', () => {
  expect(moveQuery(three, 0, -1)).toBe(three);
  expect(moveQuery(three, 2, 1)).toBe(three);
  expect(moveQuery(three, 99, 1)).toBe(three);
});

test('the last query removed leaves an empty one, which is another one', () => {
  const one = three.slice(0, 1);
  expect(removeQuery(one, 0)).toEqual([{ id: 1, expr: '', hidden: false }]);
});

test('a full list takes no more', () => {
  const full: Queries = Array.from({ length: queriesMax }, (_, id) => ({ id, expr: 'x', hidden: false }));
  expect([addQuery(full), duplicateQuery(full, 0, 'x'), placeExpr(full, 'y')]).toEqual([full, full, full]);
});

test('an expression from elsewhere takes the first empty place', () => {
  expect(exprs(placeExpr(addQuery(three), 'new'))).toBe('a b c new');
  expect(exprs(placeExpr(three, 'new'))).toBe('a b c new');
});

test('hiding is undone by hiding again', () => {
  const hidden = toggleQuery(three, 1);
  expect(hidden.map((query) => query.hidden)).toEqual([false, true, false]);
  expect(toggleQuery(hidden, 1)).toEqual(three);
});

test('only drafts that differ make new queries', () => {
  const next = withDrafts(three, new Map([[1, ' bb '], [2, 'c ']])); // biome-ignore format: pairs
  expect(exprs(next)).toBe('a bb c');
  expect(next[2]).toBe(three[2]);
});
