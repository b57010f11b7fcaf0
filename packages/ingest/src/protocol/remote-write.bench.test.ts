import { expect, test } from 'vitest';
import { benchRemoteWrite } from './remote-write.bench.ts';

test.each([0, 3])('the bench runs, sliding by %i', (slide) => {
  const { warm, samples } = benchRemoteWrite({ hosts: 2, seriesPerRequest: 50, slide, passes: 3 });
  expect(samples).toBeGreaterThan(400);
  expect(warm.decodeAndAdmit).toBeGreaterThan(0);
});
