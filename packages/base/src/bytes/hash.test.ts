import { expect, test } from 'vitest';
import { seededRandom } from '../random.ts';
import { bytesEqual, compareBytes, compareIn, equalIn, hash32, hashIn } from './hash.ts';

const text = (value: string) => new TextEncoder().encode(value);

test.each([
  ['', 0, 0],
  ['', 1, 0x514e28b7],
  ['', 0xffffffff, 0x81f16f39],
  ['test', 0, 0xba6bd213],
  ['abc', 0, 0xb3dd93fa],
  ['Hello, world!', 0, 0xc0363e43],
  ['aaaa', 0x9747b28c, 0x5a97808a],
  ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
])('murmur3 of %j with seed %i, as published', (input, seed, hash) => {
  const bytes = text(input);
  expect(hash32(bytes, 0, bytes.length, seed)).toBe(hash);
  const within = text(`__${input}__`);
  expect(hash32(within, 2, 2 + bytes.length, seed)).toBe(hash);
  expect(hashIn(new DataView(within.buffer), 2, 2 + bytes.length, seed)).toBe(hash);
});

test('equality and order agree with memcmp', () => {
  const random = seededRandom(1);
  for (let i = 0; i < 2000; i++) {
    const a = Uint8Array.from({ length: random.below(11) }, () => random.below(3) * 127);
    const b = Uint8Array.from({ length: random.below(11) }, () => random.below(3) * 127);
    const wanted = Buffer.compare(a, b);
    expect(Math.sign(compareBytes(a, 0, a.length, b, 0, b.length))).toBe(wanted);
    expect(bytesEqual(a, 0, a.length, b, 0, b.length)).toBe(wanted === 0);
    const [x, y] = [new DataView(a.buffer), new DataView(b.buffer)];
    expect(Math.sign(compareIn(x, 0, a.length, y, 0, b.length))).toBe(wanted);
    const same = Math.min(a.length, b.length);
    expect(equalIn(x, 0, y, 0, same)).toBe(Buffer.compare(a.subarray(0, same), b.subarray(0, same)) === 0);
  }
});
