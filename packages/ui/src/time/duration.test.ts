import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

test.each<[string, number]>([
  ['15s', 15],
  ['5m', 300],
  ['1h30m', 5400],
  ['7d', 604_800],
  ['2w', 1_209_600],
  ['1y', 31_536_000],
  [' 10s ', 10],
  ['90', 90],
  ['0.5', 0.5],
])('%s is %d seconds', (text, seconds) => expect(parseDuration(text)).toBe(seconds));

test.each(['', '0', '0s', '-5m', '5 m', 'm5', '5x', '30m1h', '1h garbage', 'NaN', '1e9'])(
  '"%s" is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test('what is written reads back', () => {
  for (const seconds of [1, 59, 60, 3600, 5400, 86_400, 604_800, 90_061, 0.5]) {
    expect(parseDuration(formatDuration(seconds))).toBe(seconds);
  }
});
