import { expect, test } from 'vitest';
import { seededRandom, systemRandom } from './random.ts';

test('a seed replays, another is another', () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 20 }, () => random.below(1_000_000));
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(draw(0)).not.toEqual(draw(1));
});

test.each([
  ['seeded', seededRandom(3)],
  ['system', systemRandom],
])('%s: numbers stay in range and spread', (_, random) => {
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const value = random.below(10);
    counts[value] = (counts[value] as number) + 1;
    const unit = random.next();
    expect(unit >= 0 && unit < 1).toBe(true);
  }
  // 1000 each; five standard deviations are 150.
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(180);
  expect(new Set(random.bytes(1000)).size).toBeGreaterThan(200);
  expect(random.bytes(0)).toHaveLength(0);
});
