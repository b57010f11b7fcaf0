import { expect, test } from 'vitest';
import { release } from './release.ts';

test('large buffers are empty afterwards, through every view; small ones and shared ones are left alone', () => {
  const large = new Float64Array(100_000);
  const view = new Uint8Array(large.buffer, 8, 100);
  const small = new Uint8Array(100);
  const shared = new Uint8Array(new SharedArrayBuffer(100_000));
  release([view, small, shared]);
  expect([large.length, view.length, small.length, shared.length]).toEqual([0, 0, 100, 100_000]);
  release([view]);
});

test('memory is given back without a collection', () => {
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 200; i++) release([new Uint8Array(4 * 1024 * 1024)]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 1024 * 1024);
});
