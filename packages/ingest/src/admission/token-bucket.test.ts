import { expect, test } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

test('a burst passes, then the rate; a request is never too large, only too early', () => {
  const bucket = new TokenBucket({ perSecond: 100, burst: 50 }, 0);
  expect(bucket.take(50, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(10); // one token takes 10 ms
  expect(bucket.take(500, 10)).toBe(0); // overdrawn by 499
  expect(bucket.take(1, 10)).toBe(5_000);
  expect(bucket.take(1, 5_000)).toBe(10);
  expect(bucket.take(1, 5_010)).toBe(0);
});

test('refused requests take nothing, and time that goes back gives nothing', () => {
  const bucket = new TokenBucket({ perSecond: 100, burst: 1 }, 1_000);
  bucket.take(1, 1_000);
  for (let i = 0; i < 100; i++) expect(bucket.take(1_000, 1_000)).toBe(10);
  expect(bucket.take(1, 0)).toBe(10);
});

test('without a limit everything passes', () => {
  const bucket = new TokenBucket({ perSecond: Number.POSITIVE_INFINITY, burst: 1 }, 0);
  for (let i = 0; i < 10; i++) expect(bucket.take(1e9, 0)).toBe(0);
});
