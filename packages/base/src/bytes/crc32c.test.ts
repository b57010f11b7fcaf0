import { afterEach, expect, test, vi } from 'vitest';
import { seededRandom } from '../random.ts';
import { crc32c } from './crc32c.ts';
import { stateByTables } from './crc32c-tables.ts';
import { loadStateByFolding } from './crc32c-wasm.ts';

const text = (value: string) => new TextEncoder().encode(value);

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

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

test('agrees with the bit by bit definition where more is folded, and where it takes several rooms', () => {
  const random = seededRandom(7);
  const bytes = random.bytes(200_000);
  const folded = (92 + 64) * 16;
  const room = 65_536 - 16_384 - 92 * 16;
  const around = (length: number) => Array.from({ length: 40 }, (_, i) => length - 20 + i);
  const lengths = [...around(128), ...around(folded), ...around(room), ...around(2 * room - 92 * 16), 199_990];
  for (const length of lengths) {
    const start = random.below(10);
    const seed = random.below(2 ** 32);
    const part = bytes.subarray(start, start + length);
    expect([length, crc32c(bytes, start, start + length, seed)]).toEqual([length, slow(part, seed)]);
  }
});

test('folding and tables agree on any bytes, whatever was there before', () => {
  const random = seededRandom(8);
  const stateByFolding = loadStateByFolding();
  if (stateByFolding === null) throw new Error('Node has WebAssembly with vectors on every machine that tests run on');
  const bytes = random.bytes(300_000);
  for (let round = 0; round < 3000; round++) {
    const length = random.below(round % 100 === 0 ? bytes.length : 6000);
    const start = random.below(bytes.length - length + 1);
    const state = random.below(2 ** 32) | 0;
    const end = start + length;
    expect(stateByFolding(bytes, start, end, state)).toBe(stateByTables(bytes, start, end, state));
  }
});

test('any bit flipped in what is folded is noticed', () => {
  const random = seededRandom(9);
  const bytes = random.bytes(60_000);
  const good = crc32c(bytes);
  for (let round = 0; round < 2000; round++) {
    const at = random.below(bytes.length);
    const bit = 1 << random.below(8);
    bytes[at] = (bytes[at] as number) ^ bit;
    expect(crc32c(bytes)).not.toBe(good);
    bytes[at] = (bytes[at] as number) ^ bit;
  }
});

test('the same without WebAssembly', async () => {
  vi.stubGlobal('WebAssembly', undefined);
  const { crc32c: other } = await import('./crc32c.ts');
  const bytes = seededRandom(10).bytes(10_000);
  expect(other(bytes)).toBe(slow(bytes, 0));
  expect(crc32c(bytes)).toBe(slow(bytes, 0));
});

test('a processor without vectors is asked once, and the same comes out', async () => {
  const validate = vi.fn(() => false);
  vi.stubGlobal('WebAssembly', { validate });
  const { crc32c: other } = await import('./crc32c.ts');
  const bytes = seededRandom(10).bytes(10_000);
  expect([other(bytes), other(bytes)]).toEqual([slow(bytes, 0), slow(bytes, 0)]);
  expect(validate).toHaveBeenCalledTimes(1);
});

test('a range that is not there is a mistake, not a checksum of something else', () => {
  expect(() => crc32c(new Uint8Array(1000), 0, 1001)).toThrow('bytes that are there');
});

function slow(bytes: Uint8Array, seed: number): number {
  let crc = ~seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
