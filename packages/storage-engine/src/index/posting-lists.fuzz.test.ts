import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { PostingLists } from './posting-lists.ts';

test('lists that grow in turns are what was added, however far refs lie apart', async () => {
  await withSeed('posting lists', (random) => {
    for (let round = 0; round < rounds(20); round++) {
      const lists = new PostingLists();
      const told: number[][] = [];
      const farthest = 2 ** random.below(28);
      for (let step = 0; step < 3000; step++) {
        const list = random.below(told.length + 1);
        const refs = told[list];
        const distance = 1 + random.below(farthest);
        if (refs === undefined) {
          expect(lists.begin(distance - 1)).toBe(told.length);
          told.push([distance - 1]);
          continue;
        }
        const ref = (refs.at(-1) as number) + distance;
        if (ref > 0xffff_ffff) continue;
        lists.add(list, ref);
        refs.push(ref);
      }
      told.forEach((refs, list) => {
        expect(lists.lengthOf(list)).toBe(refs.length);
        expect(lists.refsOf(list)).toEqual(refs);
      });
    }
  });
});

test('a ref that does not rise is our mistake', () => {
  const lists = new PostingLists();
  const list = lists.begin(7);
  expect(() => lists.add(list, 7)).toThrow('refs of a list rise');
});

test('neighbours take little more than a byte each', () => {
  const lists = new PostingLists();
  const all = lists.begin(0);
  const [even, odd] = [lists.begin(0), lists.begin(1)];
  for (let ref = 1; ref < 100_000; ref++) {
    lists.add(all, ref);
    if (ref > 1) lists.add(ref % 2 === 0 ? even : odd, ref);
  }
  expect(lists.bytes).toBeLessThan(200_000 * 1.3);
});
