import { expect, test } from 'vitest';
import { formatAge, secondsSince } from './age.ts';

test.each<[number, string]>([
  [0, '0 s'],
  [59, '59 s'],
  [61, '1 min'],
  [3600, '1 h'],
  [7500, '2 h 5 min'],
  [90_000, '1 d 1 h'],
  [172_800, '2 d'],
])('%d seconds are %s', (seconds, text) => expect(formatAge(seconds)).toBe(text));

test('the time since a moment; a moment ahead is now, and the year 1 is never', () => {
  expect(secondsSince('1970-01-01T00:01:00Z', 90)).toBe(30);
  expect(secondsSince('1970-01-01T00:01:00Z', 10)).toBe(0);
  expect([secondsSince('0001-01-01T00:00:00Z', 9), secondsSince('', 9), secondsSince(undefined, 9)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
