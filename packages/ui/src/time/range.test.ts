import { expect, test } from 'vitest';
import { alignedWindow, shifted, windowOf, zoomed } from './range.ts';

const hour = { spanSeconds: 3600, end: null };

test('a range without end follows the clock, one with an end stays', () => {
  expect(windowOf(hour, 10_000)).toEqual({ start: 6400, end: 10_000 });
  expect(windowOf({ spanSeconds: 3600, end: 8000 }, 10_000)).toEqual({ start: 4400, end: 8000 });
});

test('within one step the question stays the same', () => {
  expect(alignedWindow(hour, 10_001, 10)).toEqual(alignedWindow(hour, 10_009, 10));
  expect(alignedWindow(hour, 10_001, 10)).toEqual({ start: 6400, end: 10_000 });
});

test('a drag in either direction is a range; a click is none', () => {
  expect(zoomed(100.2, 160.7)).toEqual({ spanSeconds: 61, end: 161 });
  expect(zoomed(160.7, 100.2)).toEqual({ spanSeconds: 61, end: 161 });
  expect(zoomed(100, 103)).toBeUndefined();
});

test('moving goes by half a window; past now it follows the clock again', () => {
  const back = shifted(hour, -1, 10_000);
  expect(back).toEqual({ spanSeconds: 3600, end: 8200 });
  expect(shifted(back, 1, 10_000)).toEqual(hour);
  expect(shifted(back, 1, 20_000)).toEqual({ spanSeconds: 3600, end: 10_000 });
});
