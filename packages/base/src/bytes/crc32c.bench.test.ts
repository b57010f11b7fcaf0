import { expect, test } from 'vitest';
import { benchCrc32c } from './crc32c.bench.ts';

test('the bench runs, and both ways agree', () => {
  const speeds = benchCrc32c(0.1, 1);
  expect(speeds.every(({ tables, crc32c }) => tables > 0 && crc32c > 0)).toBe(true);
});
