import { expect, test } from 'vitest';
import { benchOneMinute } from './one-minute.bench.ts';

test('the bench runs, and every series gets a row a minute', async () => {
  const result = await benchOneMinute(1_500, 2, 1);
  expect(result.samples).toBe(1_500 * 12);
  expect(result.rows).toBe(1_500 * 2);
  expect(result.hourRows).toBe(1_500);
  expect(result.pointBytes).toBeGreaterThan(100);
});
