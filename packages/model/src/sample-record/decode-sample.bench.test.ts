import { expect, test } from 'vitest';
import { benchSamples } from './decode-sample.bench.ts';

test('the bench runs', () => {
  const { ours, library, bytesPerRecord } = benchSamples({ records: 2000, series: 100 });
  expect(bytesPerRecord).toBeGreaterThan(100);
  expect([ours, library].every((cost) => cost > 0)).toBe(true);
});
