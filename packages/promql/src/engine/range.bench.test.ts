import { expect, test } from 'vitest';
import { BENCH_EXPRESSIONS, benchRange } from './range.bench.ts';

test('the bench still runs, and measures what it says', async () => {
  const results = await benchRange({ series: 20, hours: 0.25, rounds: 1 });
  expect(results.map(({ expression }) => expression)).toEqual(BENCH_EXPRESSIONS);
  expect(results[0]).toMatchObject({ samples: 20 * 90, steps: 61, resultSeries: 2 });
  for (const { resultSeries, wallMs, cpuMs } of results) {
    expect(resultSeries).toBeGreaterThan(0);
    expect(wallMs).toBeGreaterThan(0);
    // The system counts it coarsely: a short run may have cost nothing.
    expect(cpuMs).toBeGreaterThanOrEqual(0);
  }
});
