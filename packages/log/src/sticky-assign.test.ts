import { seededRandom } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import type { TopicPartition } from './log.ts';
import { assignSticky, keyOf } from './sticky-assign.ts';

const partitionsOf = (topic: string, count: number): TopicPartition[] =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }));
const member = (memberId: string, topics: string[], had: readonly TopicPartition[] = []) => ({ memberId, topics, had });
const short = (shares: readonly (readonly TopicPartition[])[]) => shares.map((share) => share.map(keyOf).join(' '));

test('a first assignment is even, topic by topic', () => {
  const all = [...partitionsOf('a', 4), ...partitionsOf('b', 4)];
  const shares = assignSticky([member('m', ['a', 'b']), member('n', ['a', 'b'])], all);
  expect(short(shares)).toEqual(['a/0 a/2 b/0 b/2', 'a/1 a/3 b/1 b/3']);
});

test('who stays keeps what it had; who comes gets only what is too much elsewhere', () => {
  const all = partitionsOf('a', 6);
  const shares = assignSticky(
    [member('m', ['a'], all.slice(0, 3)), member('n', ['a'], all.slice(3)), member('new', ['a'])],
    all,
  );
  expect(short(shares)).toEqual(['a/0 a/1', 'a/3 a/4', 'a/2 a/5']);
});

test('what a member leaves behind goes to those with least; the others keep theirs', () => {
  const all = partitionsOf('a', 5);
  const shares = assignSticky([member('m', ['a'], all.slice(0, 2)), member('n', ['a'], all.slice(2, 3))], all);
  expect(short(shares)).toEqual(['a/0 a/1 a/4', 'a/2 a/3'].map((share) => share));
});

test('a topic goes only to those who want it; nobody wants it, nobody has it', () => {
  const all = [...partitionsOf('a', 2), ...partitionsOf('b', 2), ...partitionsOf('c', 1)];
  const shares = assignSticky([member('m', ['a']), member('n', ['a', 'b'])], all);
  expect(short(shares)).toEqual(['a/0 a/1', 'b/0 b/1']);
});

test('more members than partitions: some have none', () => {
  const shares = assignSticky(
    ['m', 'n', 'o'].map((id) => member(id, ['a'])),
    partitionsOf('a', 2),
  );
  expect(short(shares)).toEqual(['a/0', 'a/1', '']);
});

test('whoever comes and goes: each partition has one owner, counts differ by one, nothing moves that need not', () =>
  withSeed('sticky', (random) => {
    for (let round = 0; round < rounds(50); round++) play(seededRandom(random.below(2 ** 32)));
  }));

function play(random: ReturnType<typeof seededRandom>): void {
  const all = partitionsOf('a', 1 + random.below(12));
  let members = [member('0', ['a'])];
  for (let step = 1; step < 12; step++) {
    const before = new Map(members.flatMap((m) => m.had.map((at) => [keyOf(at), m.memberId])));
    const left = members.length > 1 && random.below(2) === 0 ? members.splice(random.below(members.length), 1) : [];
    if (left.length === 0) members.push(member(String(step), ['a']));
    const shares = assignSticky(members, all);
    expect(shares.flat().map(keyOf).sort()).toEqual(all.map(keyOf).sort());
    const counts = shares.map((share) => share.length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    const moved = members.flatMap((m, i) =>
      (shares[i] ?? []).filter((at) => before.has(keyOf(at)) && before.get(keyOf(at)) !== m.memberId),
    );
    const joined = left.length === 0 ? (shares.at(-1)?.length ?? 0) : 0;
    const orphaned = left.flatMap((m) => m.had).length;
    expect(moved.length).toBe(before.size === 0 ? 0 : joined + orphaned);
    members = members.map((m, i) => ({ ...m, had: shares[i] ?? [] }));
  }
}
