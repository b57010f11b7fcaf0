import { expect, test } from 'vitest';
import { stepProblem } from './step-problem.ts';

test('nothing written chooses by the range, a duration is taken', () => {
  expect([stepProblem('', 3600), stepProblem('  ', 3600), stepProblem('15s', 3600)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('what is no duration is said to be none', () => {
  expect(stepProblem('often', 3600)).toBe('not a duration: 15s, 5m, 1h');
});

test('a step that would ask for more points than a server gives is refused before asking', () => {
  expect(stepProblem('1s', 11_001)).toBe('more than 11000 points');
  expect(stepProblem('1s', 11_000)).toBeUndefined();
});
