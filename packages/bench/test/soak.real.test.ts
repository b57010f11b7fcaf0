import { expect, test } from 'vitest';
import { soak } from '../src/soak.ts';

test('the soak reads what should stay flat, and ends in time', { timeout: 120_000 }, async () => {
  const said: string[] = [];
  const text = await soak({
    series: 200,
    intervalMs: 1000,
    minutes: 0.15,
    seed: 1,
    readEveryMs: 2000,
    say: (line) => said.push(line),
  });
  expect(said.length).toBeGreaterThanOrEqual(3);
  for (const line of said) {
    const { memoryMb, descriptors, storeLag, repairs } = JSON.parse(line) as Record<string, number>;
    expect(memoryMb).toBeGreaterThan(0);
    expect(descriptors).toBeGreaterThan(0);
    expect(storeLag).toBeGreaterThanOrEqual(0);
    // Nothing was sent late.
    expect(repairs).toBe(0);
  }
  for (const row of ['memoryMb', 'descriptors', 'rollupLag', 'storeLag', 'samples', 'roundsLeftOut', 'repairs'])
    expect(text).toMatch(new RegExp(`^\\| ${row} (\\| [\\d.,]+ ){4}\\|$`, 'm'));
});
