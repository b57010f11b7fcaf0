import { isTidemarkError, SnappyDecoder, snappyBlock, snappyLiteral } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { naiveSnappy } from '../testing/naive-request.ts';

const LIMITS = { decodedBytesMax: 1_000_000, keepBytes: 100_000 };

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

function decode(block: Uint8Array, decoder = new SnappyDecoder(LIMITS)): string {
  return Buffer.from(decoder.decode(block)).toString('latin1');
}

/** The code of the refusal, or undefined. Anything but a refusal is thrown on. */
function refusal(block: Uint8Array, decoder = new SnappyDecoder(LIMITS)): string | undefined {
  try {
    decoder.decode(block);
  } catch (error) {
    if (isTidemarkError(error)) return error.code;
    throw error;
  }
  return undefined;
}

test.each([
  ['nothing', '00', ''],
  ['a literal', '05 10 68656c6c6f', 'hello'],
  ['a literal with its length in a byte', '03 f0 02 616263', 'abc'],
  ['a literal with its length in four bytes', '03 fc 02000000 616263', 'abc'],
  ['a copy with an 11-bit distance', '09 08 616263 09 03', 'abcabcabc'],
  ['a copy with a 16-bit distance', '09 08 616263 16 0300', 'abcabcabc'],
  ['a copy with a 32-bit distance', '09 08 616263 17 03000000', 'abcabcabc'],
  ['a copy into what it writes', '0a 00 61 22 0100', 'aaaaaaaaaa'],
  ['copies of the same distance in a row', '15 08 616263 16 0300 2e 0300', 'abcabcabcabcabcabcabc'],
])('%s', (_, block, text) => {
  expect(decode(hex(block))).toBe(text);
});

test.each([
  ['no length', ''],
  ['a length that does not end', '80 80'],
  ['a length of six bytes', '80 80 80 80 80 01'],
  ['a length above 2^32', 'ff ff ff ff 7f'],
  ['a literal cut off', '05 10 6865'],
  ['a literal length cut off', '05 f4 02'],
  ['a literal beyond the declared length', '02 10 68656c6c6f'],
  ['a copy before anything is there', '04 01 01'],
  ['a copy from before the beginning', '09 08 616263 09 04'],
  ['a copy from distance zero', '09 08 616263 09 00'],
  ['a copy beyond the declared length', '08 08 616263 09 03'],
  ['a copy cut off', '09 08 616263 16 03'],
  ['less than declared', '06 10 68656c6c6f'],
])('%s is malformed', (_, block) => {
  expect(refusal(hex(block))).toBe('SNAPPY_MALFORMED');
});

test('a declared length over the limit, or beyond what the bytes can become, is refused before anything is allocated', () => {
  expect(refusal(hex('80 89 7a 00 61'))).toBe('SNAPPY_TOO_LARGE'); // 2,000,000 declared
  expect(refusal(hex('f0 93 09 00 61'))).toBe('SNAPPY_MALFORMED'); // 150,000 declared, 2 bytes follow
  const decoder = new SnappyDecoder({ decodedBytesMax: 2 ** 32, keepBytes: 100_000 });
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 100; i++) expect(refusal(hex('ff ff ff ff 0f 00 61'), decoder)).toBe('SNAPPY_MALFORMED');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
});

test('any bytes come back, block after block from one decoder', () =>
  withSeed('snappy', (random) => {
    const decoder = new SnappyDecoder(LIMITS);
    for (let round = 0; round < rounds(300); round++) {
      // Few distinct bytes make many copies, of all distances; long ones cross the pieces of 64 KiB.
      const alphabet = 1 + random.below(round % 3 === 0 ? 256 : 4);
      const input = random.bytes(random.below(round % 10 === 0 ? 150_000 : 600)).map((byte) => byte % alphabet);
      for (const block of [snappyBlock(input), snappyLiteral(input)]) {
        expect(Buffer.compare(decoder.decode(block), input)).toBe(0);
      }
    }
  }));

test('cut or bent blocks are refused as the obvious reader refuses them, or read the same', () =>
  withSeed('snappy bent', (random) => {
    const decoder = new SnappyDecoder(LIMITS);
    const input = random.bytes(400).map((byte) => byte % 3);
    const block = snappyBlock(input);
    const compare = (bent: Uint8Array) => {
      let naive: Uint8Array | undefined;
      try {
        naive = naiveSnappy(bent);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      if (naive) expect(Buffer.compare(decoder.decode(bent), naive)).toBe(0);
      else expect(refusal(bent, decoder)).toMatch(/^SNAPPY_/);
    };
    for (let cut = 0; cut < block.length; cut++) compare(block.subarray(0, cut));
    for (let bit = 0; bit < block.length * 8; bit++) {
      const bent = block.slice();
      bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7));
      compare(bent);
    }
  }));
