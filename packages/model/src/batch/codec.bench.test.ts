import { expect, test } from 'vitest';
import { benchCodec } from './codec.bench.ts';

test('the bench runs', () => {
  const { samples, encoded, decoded, bytesPerSample, library } = benchCodec({ samples: 800, series: 200 });
  expect(samples).toBe(800);
  expect(bytesPerSample).toBeLessThan(library.bytesPerSample);
  expect([encoded, decoded, library.encoded, library.decoded].every((rate) => rate > 0)).toBe(true);
});
