import { expect, test } from 'vitest';
import { benchTick } from './tick.bench.ts';

test('the bench of evaluations runs, with a little: so that it does not rot', async () => {
  const { recorded, alerting } = await benchTick(200, 2);
  expect(Number.isFinite(recorded)).toBe(true);
  expect(Number.isFinite(alerting)).toBe(true);
});
