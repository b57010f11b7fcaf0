import { expect, test } from 'vitest';
import { sparklinePath } from './sparkline-path.ts';

test('a line from corner to corner', () => {
  expect(sparklinePath([0, 5, 10], 100, 20)).toBe('M0.0 20.0L50.0 10.0L100.0 0.0');
});

test('a gap lifts the pen', () => {
  expect(sparklinePath([0, null, 10], 100, 20)).toBe('M0.0 20.0M100.0 0.0');
});

test('a flat line stays in the middle, zeros at the bottom, nothing draws nothing', () => {
  expect(sparklinePath([5, 5], 100, 20)).toBe('M0.0 10.0L100.0 10.0');
  expect(sparklinePath([0, 0], 100, 20)).toBe('M0.0 20.0L100.0 20.0');
  expect(sparklinePath([], 100, 20)).toBe('');
});

test('a change of a thousandth does not fill the box', () => {
  const path = sparklinePath([100, 100.1], 100, 20);
  const heights = [...path.matchAll(/ ([\d.]+)/g)].map((match) => Number(match[1]));
  expect(Math.abs((heights[0] as number) - (heights[1] as number))).toBeLessThan(1);
});
