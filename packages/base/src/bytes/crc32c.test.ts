import { expect, test } from 'vitest';
import { seededRandom } from '../random.ts';
import { crc32c } from './crc32c.ts';

const text = (value: string) => new TextEncoder().encode(value);

test('RFC 3720, appendix B.4, and the usual check value', () => {
  const counting = Uint8Array.from({ length: 32 }, (_, i) => i);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(counting)).toBe(0x46dd794e);
  expect(crc32c(counting.toReversed())).toBe(0x113fdb5c);
  expect(crc32c(text('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});

test('agrees with the bit by bit definition, for every length, start and seed', () => {
  const bytes = seededRandom(5).bytes(80);
  for (let start = 0; start < 10; start++) {
    for (let end = start; end <= bytes.length; end++) {
      expect(crc32c(bytes, start, end)).toBe(slow(bytes.subarray(start, end), 0));
    }
  }
});

test('goes on where it stopped', () => {
  const bytes = seededRandom(6).bytes(100);
  for (let at = 0; at <= 100; at++) expect(crc32c(bytes, at, 100, crc32c(bytes, 0, at))).toBe(crc32c(bytes));
});

function slow(bytes: Uint8Array, seed: number): number {
  let crc = ~seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
