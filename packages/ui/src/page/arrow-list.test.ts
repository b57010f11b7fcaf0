import { expect, test } from 'vitest';
import { nextPlace } from './arrow-list.ts';

test.each<[string, number, number, number | undefined]>([
  ['ArrowDown', -1, 3, 0],
  ['ArrowDown', 1, 3, 2],
  ['ArrowDown', 2, 3, undefined],
  ['ArrowUp', 0, 3, undefined],
  ['ArrowUp', 2, 3, 1],
  ['End', 0, 3, 2],
  ['Home', 2, 3, 0],
  ['Home', 2, 0, undefined],
  ['x', 0, 3, undefined],
])('%s from %d of %d', (key, place, count, next) => expect(nextPlace(key, place, count)).toBe(next));
