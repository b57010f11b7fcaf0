import type { Random } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { type Column, Columns } from '../chunk/columns.ts';
import type { Run } from './chunk-ref.ts';
import { mergeRuns } from './merge.ts';

// Runs against a map: by rank, in a run by arrival, the last of each time stands, and the range has its start and not its end.

interface Entry {
  readonly timeMs: number;
  readonly value: number;
}

interface Told {
  readonly rank: number;
  readonly entries: readonly Entry[];
}

function runOf({ rank, entries }: Told): Run {
  const columns = new Columns(1, entries.length + 2);
  // Not from the beginning, and something behind it.
  columns.length = entries.length + 2;
  for (const [i, { timeMs, value }] of entries.entries()) {
    columns.timestampsMs[i + 1] = timeMs;
    (columns.columns[0] as Column).values[i + 1] = value;
  }
  const rising = entries.every(({ timeMs }, i) => i === 0 || timeMs > (entries[i - 1] as Entry).timeMs);
  return { columns, from: 1, to: entries.length + 1, rank, rising };
}

function merged(told: readonly Told[], startMs: number, endMs: number): readonly (readonly [number, number])[] {
  const into = new Columns(1, 4);
  mergeRuns(told.map(runOf), { startMs, endMs }, into, new Columns(1, 4));
  const { values } = into.columns[0] as Column;
  return Array.from({ length: into.length }, (_, i) => [into.timestampsMs[i] as number, values[i] as number]);
}

function expected(told: readonly Told[], startMs: number, endMs: number) {
  const stands = new Map<number, number>();
  for (const { entries } of [...told].sort((a, b) => a.rank - b.rank)) {
    for (const { timeMs, value } of entries) stands.set(timeMs, value);
  }
  return [...stands].filter(([timeMs]) => timeMs >= startMs && timeMs < endMs).sort(([a], [b]) => a - b);
}

function anyTold(random: Random): Told[] {
  const ranks = [0, 1, 2, 3, 4, 5].sort(() => random.next() - 0.5);
  return Array.from({ length: 1 + random.below(4) }, (_, i) => {
    const firstMs = random.below(3) === 0 ? 20 * i : random.below(40);
    const entries = Array.from({ length: 1 + random.below(12) }, (_, k) => ({
      timeMs: firstMs + k,
      value: random.below(1000),
    }));
    // What waits out of order stands as it came.
    if (random.below(3) === 0) for (const one of entries) if (random.below(2) === 0) one.timeMs = random.below(40);
    return { rank: ranks[i] as number, entries };
  });
}

test('whatever overlaps, repeats or comes out of order', () =>
  withSeed('merge', async (random) => {
    for (let round = 0; round < rounds(1000); round++) {
      const told = anyTold(random);
      const startMs = random.below(30) - 5;
      const endMs = startMs + random.below(60);
      expect(merged(told, startMs, endMs), JSON.stringify({ told, startMs, endMs })).toEqual(
        expected(told, startMs, endMs),
      );
    }
  }));

test.each([
  ['one behind the other', [0, 1], [2, 3]],
  ['overlapping', [0, 2], [1, 3]],
])('%s: the start is in it, the end is not', (_, first, second) => {
  const told = [first, second].map((times, rank) => ({
    rank,
    entries: times.map((timeMs) => ({ timeMs, value: timeMs })),
  }));
  const times = (startMs: number, endMs: number) => merged(told, startMs, endMs).map(([timeMs]) => timeMs);
  expect(times(0, 4)).toEqual([0, 1, 2, 3]);
  expect(times(1, 3)).toEqual([1, 2]);
  expect(times(3, 4)).toEqual([3]);
  expect(times(3, 3)).toEqual([]);
});
