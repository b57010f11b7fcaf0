import { expect, test } from 'vitest';
import { parseDuration } from './duration.ts';
import { rangeChoices } from './range.ts';
import { chooseStep, pointsMax, rateWindowSeconds } from './step.ts';

test.each<[string, number]>([
  ['15m', 5],
  ['1h', 10],
  ['6h', 60],
  ['24h', 300],
  ['7d', 1800],
])('%s is drawn every %d s', (range, step) => {
  expect(chooseStep(parseDuration(range) as number)).toBe(step);
});

test('no range needs more points than a chart has room for, up to ten years', () => {
  for (const span of [1, 60, ...rangeChoices.map((choice) => choice.seconds), 1e6, 1e7, 3.2e8]) {
    expect(span / chooseStep(span)).toBeLessThanOrEqual(pointsMax);
  }
});

test('a rate looks back at least 30 s and four steps', () => {
  expect([5, 10, 60].map(rateWindowSeconds)).toEqual([30, 40, 240]);
});
