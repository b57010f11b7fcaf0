import { expect, test } from 'vitest';
import { ahead } from './ahead.ts';

function world() {
  let underWay = 0;
  const world = {
    most: 0,
    async begin(item: number): Promise<number> {
      world.most = Math.max(world.most, ++underWay);
      // The later ones are there first.
      for (let turns = 20 - item; turns > 0; turns--) await undefined;
      underWay--;
      if (item === 7) throw new Error('the seventh');
      return item * 10;
    },
  };
  return world;
}

test('results come in order, some are begun ahead, and no more than that', async () => {
  const counts = world();
  const got: number[] = [];
  for await (const each of ahead([1, 2, 3, 4, 5, 6], 3, counts.begin)) got.push(each);
  expect(got).toEqual([10, 20, 30, 40, 50, 60]);
  expect(counts.most).toBe(3);
});

test('one that fails is told in its turn, and others that were begun hurt nobody', async () => {
  const { begin } = world();
  const got: number[] = [];
  const reading = async () => {
    for await (const each of ahead([5, 6, 7, 7, 8], 5, begin)) got.push(each);
  };
  await expect(reading()).rejects.toThrow('the seventh');
  expect(got).toEqual([50, 60]);
});

test('nothing of nothing', async () => {
  for await (const each of ahead([], 3, async () => 1)) expect.unreachable(String(each));
});
