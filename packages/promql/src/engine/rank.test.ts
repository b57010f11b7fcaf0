import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { smallest } from './rank.ts';

const NaNs = Number.NaN;

function chosen(keys: readonly number[], count: number): number[] {
  return smallest([...keys.keys()], (index) => keys[index] as number, count);
}

test('the smallest come first, equal ones as they came, NaN last', () => {
  expect(chosen([3, 1, 2], 2)).toEqual([1, 2]);
  expect(chosen([1, 1, 1], 2)).toEqual([0, 1]);
  expect(chosen([NaNs, 5, NaNs, 4], 3)).toEqual([3, 1, 0]);
  expect(chosen([], 3)).toEqual([]);
  expect(chosen([Number.POSITIVE_INFINITY, NaNs], 1)).toEqual([0]);
});

test('few chosen by insertion are what sorting everything gives', () =>
  withSeed('smallest', (random) => {
    for (let round = 0; round < rounds(300); round++) {
      const keys = Array.from({ length: random.below(200) }, () => (random.below(9) === 0 ? NaNs : random.below(40)));
      const all = chosen(keys, 1000);
      expect(all).toHaveLength(keys.length);
      const count = 1 + random.below(60);
      expect(chosen(keys, count)).toEqual(all.slice(0, count));
      for (let i = 1; i < all.length; i++) {
        const [before, after] = [keys[all[i - 1] as number] as number, keys[all[i] as number] as number];
        expect(Number.isNaN(after) || before <= after).toBe(true);
      }
    }
  }));
