import { constants, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decompress } from './codecs.ts';
import { zstdContentBytes } from './zstd.ts';

const ZSTD = 4;
const CAP = 8 * 1024 * 1024;
const SIZES = [0, 1, 100, 255, 256, 257, 16_383, 16_384, 65_791, 65_792, 300_000, 4_194_303, 4_194_304, 5_000_000];

test.each(SIZES)('a frame of %i bytes says so, and comes back', (size) => {
  const plain = Buffer.alloc(size, 'abc');
  const frame = zstdCompressSync(plain);
  expect(zstdContentBytes(frame)).toBe(size);
  expect(Buffer.from(decompress(ZSTD, frame, CAP)).equals(plain)).toBe(true);
});

test.each(SIZES)('%i bytes come back from a frame that does not say how many', (size) => {
  const plain = Buffer.alloc(size, 'abc');
  const frame = zstdCompressSync(plain, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
  expect(zstdContentBytes(frame)).toBeUndefined();
  expect(Buffer.from(decompress(ZSTD, frame, CAP)).equals(plain)).toBe(true);
});

test('a size of eight bytes, behind a window and a dictionary', () => {
  expect(zstdContentBytes(Buffer.from('28b52ffd c3 00 01020304 0700000001000000'.replaceAll(' ', ''), 'hex'))).toBe(
    2 ** 32 + 7,
  );
});

test.each(['', '28b52ffd', '28b52ffde0', '28b52ffe2000', '28b52ffd200'])('no whole header: %s', (bytes) => {
  expect(zstdContentBytes(Buffer.from(bytes, 'hex'))).toBeUndefined();
});

test('a frame that says more than it holds is malformed, one above the cap a bomb', () => {
  const frame = zstdCompressSync(Buffer.alloc(100_000, 'abc'));
  const lying = Buffer.from(frame);
  lying.writeUInt32LE(0x7fff_ffff, 5);
  expect(zstdContentBytes(lying)).toBe(0x7fff_ffff);
  expect(() => decompress(ZSTD, lying, CAP)).toThrow(expect.objectContaining({ reason: 'malformed' }));
  for (const cap of [1, 63, 64, 16_384, 99_999]) {
    expect(() => decompress(ZSTD, frame, cap)).toThrow(expect.objectContaining({ reason: 'bomb' }));
  }
  expect(decompress(ZSTD, frame, 100_000)).toHaveLength(100_000);
});
