import { expect, test } from 'vitest';
import { Remembered } from './remembered.ts';

const bytes = (n: number) => Uint8Array.of(n);

test('the newest are remembered by the identity of their bytes, up to the limit', () => {
  const remembered = new Remembered<{ size: number }>(({ size }) => size, 10);
  const keys = [bytes(1), bytes(2), bytes(3)];
  for (const key of keys) remembered.set(key, { size: 4 });
  expect(keys.map((key) => remembered.get(key)?.size)).toEqual([undefined, 4, 4]);
  expect(remembered.get(bytes(3))).toBeUndefined();
});

test('one that is larger than all the room pushes nobody out', () => {
  const remembered = new Remembered<{ size: number }>(({ size }) => size, 10);
  const [small, large] = [bytes(1), bytes(2)];
  remembered.set(small, { size: 4 });
  remembered.set(large, { size: 11 });
  expect(remembered.get(small)).toEqual({ size: 4 });
  expect(remembered.get(large)).toBeUndefined();
});

test('the same bytes again are counted once', () => {
  const remembered = new Remembered<{ size: number }>(({ size }) => size, 10);
  const [first, second] = [bytes(1), bytes(2)];
  for (let i = 0; i < 5; i++) remembered.set(first, { size: 5 });
  remembered.set(second, { size: 5 });
  expect(remembered.get(first)).toEqual({ size: 5 });
  expect(remembered.get(second)).toEqual({ size: 5 });
});
