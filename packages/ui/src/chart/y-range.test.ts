import { expect, test } from 'vitest';
import { logRange, type YBounds, yRange } from './y-range.ts';

test.each<[string, number | null, number | null, YBounds, [number, number]]>([
  ['room above and below', 0, 100, {}, [-8, 108]],
  ['zero is the floor and takes no room', 10, 100, { zero: true }, [0, 108]],
  ['zero is the ceiling of what is drawn downwards', -100, -10, { zero: true }, [-108, 0]],
  ['mirrored data has room on both sides', -50, 50, { zero: true }, [-58, 58]],
  ['a percentage does not pass its limit', 0, 99, { zero: true, limit: 100 }, [0, 100]],
  ['unless the data does', 0, 130, { zero: true, limit: 100 }, [0, 130]],
  ['small data does not fill the axis', 0, 1, { zero: true, atLeast: 4 }, [0, 4]],
  ['an empty chart has an axis', null, null, {}, [-0.08, 1.08]],
])('%s', (_, min, max, bounds, expected) => {
  const [low, high] = yRange(min, max, bounds);
  expect(low).toBeCloseTo(expected[0], 9);
  expect(high).toBeCloseTo(expected[1], 9);
});

test('the lower end is below the upper, also for constants', () => {
  for (const value of [0, 5, -5, 1e-300, 1e300]) {
    for (const zero of [true, false]) {
      const [low, high] = yRange(value, value, { zero });
      expect(low).toBeLessThan(high);
    }
  }
});

test.each<[number | null, number | null, [number, number]]>([
  [3, 250, [1, 1000]],
  [0.02, 0.05, [0.01, 0.1]],
  [100, 100, [100, 1000]],
  [1, 10, [1, 10]],
  [null, null, [1, 10]],
  [-4, 0, [1, 10]],
])('a logarithmic axis over %s to %s ends at powers of ten', (min, max, [low, high]) => {
  const [from, to] = logRange(min, max);
  expect(from).toBeCloseTo(low, 9);
  expect(to).toBeCloseTo(high, 9);
});
