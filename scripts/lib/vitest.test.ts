import { expect, test } from 'vitest';
import { playTwice } from './vitest.mjs';

interface Ran {
  passed: number;
  failed: number;
  skipped: number;
  failedFiles: string[];
  others: { passed: number; failed: number; skipped: number };
}

/** `others` and `inThem` are [passed, failed]. */
function ran(others: [number, number], failedFiles: string[] = [], inThem: [number, number] = [0, 0]): Ran {
  const [passed, failed] = others;
  return {
    passed: passed + inThem[0],
    failed: failed + inThem[1],
    skipped: 1,
    failedFiles,
    others: { passed, failed, skipped: 1 },
  };
}

/** Plays these runs one after the other; what each was asked, and what was told. */
function twice(...runs: Ran[]) {
  const asked: string[][] = [];
  const told: string[] = [];
  const play = (args: string[]) => {
    asked.push(args);
    const next = runs.shift();
    if (next === undefined) throw new Error('played more often than it has runs');
    return next;
  };
  const counts = playTwice(['packages/log'], {}, { play, tell: (line: string) => told.push(line.trim()) });
  return { counts, asked, told };
}

test('what passes at once is played once', () => {
  const { counts, asked, told } = twice(ran([10, 0]));
  expect(counts).toMatchObject({ passed: 10, failed: 0, skipped: 1 });
  expect([asked, told]).toEqual([[['packages/log']], []]);
});

test('a file that failed is played once more, counted as it was then, and named', () => {
  const { counts, asked, told } = twice(ran([10, 0], ['a.test.ts'], [3, 1]), ran([4, 0]));
  expect(counts).toEqual({ passed: 14, failed: 0, skipped: 2 });
  expect(asked).toEqual([['packages/log'], ['a.test.ts']]);
  expect(told).toEqual(['Once more: a.test.ts.', 'Passed at the second try only, look why: a.test.ts']);
});

test('what fails twice has failed', () => {
  const first = ran([10, 0], ['a.test.ts', 'b.test.ts'], [3, 2]);
  const { counts, told } = twice(first, ran([2, 0], ['b.test.ts'], [2, 1]));
  expect(counts).toMatchObject({ passed: 14, failed: 1 });
  expect(told).not.toContain('Passed at the second try only, look why: b.test.ts');
});

test('what belongs to no file stays a failure', () => {
  const { counts } = twice(ran([10, 1], ['a.test.ts'], [3, 1]), ran([4, 0]));
  expect(counts).toMatchObject({ passed: 14, failed: 1 });
});

test('where much failed, nothing is played again', () => {
  const files = Array.from({ length: 9 }, (_, i) => `${i}.test.ts`);
  const { counts, asked } = twice(ran([10, 0], files, [0, 9]));
  expect(counts).toMatchObject({ passed: 10, failed: 9 });
  expect(asked).toHaveLength(1);
});
