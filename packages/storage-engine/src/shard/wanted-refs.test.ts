import { expect, test } from 'vitest';
import { WantedRefs } from './wanted-refs.ts';

test.each([
  ['few', 3, 10_000],
  ['many', 3, 100],
  ['none', 0, 50],
])('%s: what is wanted is so until it is taken, and nothing else ever is', (_, count, seriesCount) => {
  const refs = Array.from({ length: count }, (_, i) => i * 7 + 1);
  const wanted = new WantedRefs(refs, seriesCount);
  const now = () => Array.from({ length: seriesCount + 5 }, (_, ref) => ref).filter((ref) => wanted.has(ref));
  expect(now()).toEqual(refs);
  expect(wanted.has(0xffff_ffff)).toBe(false);
  wanted.delete(1);
  wanted.delete(2);
  wanted.delete(0xffff_ffff);
  expect(now()).toEqual(refs.slice(1));
});
