import type { Random } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { intersect, subtract, union } from './postings.ts';

// Rising lists against sets.

function anyList(random: Random, most: number): number[] {
  const list: number[] = [];
  for (let ref = random.below(3); list.length < most; ref += 1 + random.below(3)) list.push(ref);
  return list;
}

test('what two have in common, what one has alone, what any has', () =>
  withSeed('set operations', async (random) => {
    for (let round = 0; round < rounds(300); round++) {
      const a = anyList(random, random.below(12));
      // Some are so much longer that the short one is looked up in them.
      const b = anyList(random, random.below(2) === 0 ? random.below(12) : 100 + random.below(300));
      const [inA, inB] = [new Set(a), new Set(b)];
      expect(intersect(a, b)).toEqual(a.filter((ref) => inB.has(ref)));
      expect(intersect(b, a)).toEqual(a.filter((ref) => inB.has(ref)));
      expect(subtract(a, b)).toEqual(a.filter((ref) => !inB.has(ref)));
      expect(subtract(b, a)).toEqual(b.filter((ref) => !inA.has(ref)));
      expect([...union([a, b, a])]).toEqual([...new Set([...a, ...b])].sort((x, y) => x - y));
    }
  }));

test('at the very end of both', () => {
  const long = Array.from({ length: 1000 }, (_, i) => i);
  expect(intersect([3, 999], long)).toEqual([3, 999]);
  expect(intersect([1, 9], [2, 9])).toEqual([9]);
  expect(intersect([1000], long)).toEqual([]);
  expect(subtract([1, 9], [9])).toEqual([1]);
  expect([...union([])]).toEqual([]);
});
