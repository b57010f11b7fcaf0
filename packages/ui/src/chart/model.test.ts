import { expect, test } from 'vitest';
import { toggled } from './model.ts';

const keys = ['a', 'b', 'c'];

test('a click hides a series and another shows it', () => {
  const hidden = toggled(new Set(), keys, 'b', false);
  expect([...hidden]).toEqual(['b']);
  expect([...toggled(hidden, keys, 'b', false)]).toEqual([]);
});

test('"only" shows one alone, and a second time all', () => {
  const alone = toggled(new Set(['b']), keys, 'b', true);
  expect([...alone]).toEqual(['a', 'c']);
  expect([...toggled(alone, keys, 'b', true)]).toEqual([]);
});
