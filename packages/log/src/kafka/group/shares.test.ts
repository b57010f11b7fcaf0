import { expect, test } from 'vitest';
import { sharesOf, type Wish } from './shares.ts';

const at = (partition: number) => ({ topic: 'raw', partition });
const ALL = [0, 1, 2, 3].map(at);
const wish = (memberId: string, had: readonly number[], generation: number): Wish => ({
  memberId,
  topics: ['raw'],
  had: had.map(at),
  generation,
});
const numbers = (wishes: readonly Wish[]) =>
  Object.fromEntries(
    sharesOf(wishes, ALL).map(({ memberId, partitions }) => [memberId, partitions.map(({ partition }) => partition)]),
  );

test('who stays keeps what it had, up to its fair share, in whatever order the broker lists members', () => {
  const wishes = [wish('new', [], -1), wish('b', [1, 3], 7), wish('a', [0, 2], 7)];
  for (const order of [wishes, [...wishes].reverse()]) {
    const shares = numbers(order);
    expect(Object.values(shares).flat().sort()).toEqual([0, 1, 2, 3]);
    expect([1, 3]).toEqual(expect.arrayContaining(shares['b'] ?? []));
    expect([0, 2]).toEqual(expect.arrayContaining(shares['a'] ?? []));
    expect(shares['new']).toHaveLength(1);
  }
  expect(numbers(wishes)).toEqual(numbers([...wishes].reverse()));
});

test('of two that claim a partition, the one of the later generation has it', () => {
  expect(numbers([wish('a', [0, 1], 5), wish('b', [0, 1], 6)])).toEqual({ a: [2, 3], b: [0, 1] });
});

test('a member of other topics gets nothing of this one', () => {
  expect(numbers([wish('a', [], -1), { ...wish('b', [], -1), topics: ['other'] }])).toEqual({ a: [0, 1, 2, 3], b: [] });
});
