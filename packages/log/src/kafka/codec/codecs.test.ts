import { expect, test } from 'vitest';
import { decompress } from './codecs.ts';

// Bytes written by hand from the format descriptions, token by token; and what they stand for.

const CAP = 1000;
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const read = (compression: number, bytes: string) => Buffer.from(decompress(compression, hex(bytes), CAP)).toString();

const LZ4 = '04224d18 60 40 82';
const STREAM = '82534e4150505900 00000001 00000001';

test.each([
  ['lz4, stored as it is', 3, `${LZ4} 03000080 616263 00000000`, 'abc'],
  ['lz4, literals and an overlapping match', 3, `${LZ4} 09000000 21 6162 0200 30 787978 00000000`, 'abababaxyx'],
  [
    'lz4, two blocks, the second reaching into the first',
    3,
    `${LZ4} 03000080 616263 05000000 00 0300 10 78 00000000`,
    'abcabcax',
  ],
  ['snappy, one block', 2, '03 08 616263', 'abc'],
  ['snappy, a match of distance 1', 2, '05 00 61 01 01', 'aaaaa'],
  ['snappy, a match of 16 bits of distance', 2, '06 08 616263 0a 0300', 'abcabc'],
  ['snappy as streams frame it', 2, `${STREAM} 00000005 03 08 616263 00000003 01 00 78`, 'abcx'],
])('%s', (_, compression, bytes, text) => {
  expect(read(compression, bytes)).toBe(text);
});

test.each([
  ['lz4 cut short', 3, `${LZ4} 09000000 21`],
  ['lz4 with a match from before the beginning', 3, `${LZ4} 04000000 10 61 0200 00000000`],
  ['no lz4 frame', 3, '00000000 00000000'],
  ['snappy with less than it says', 2, '04 08 616263'],
  ['snappy with more than it says', 2, '02 08 616263'],
  ['snappy with a match from before the beginning', 2, '05 00 61 01 02'],
  ['gzip that is none', 1, '1f8b00'],
  ['zstd that is none', 4, '28b52ffd'],
  ['a number nobody knows', 7, '00'],
])('%s is malformed', (_, compression, bytes) => {
  expect(() => read(compression, bytes)).toThrow(expect.objectContaining({ reason: 'malformed' }));
});

test('a length above the cap is a bomb, whatever follows', () => {
  expect(() => read(2, '8092f401')).toThrow(expect.objectContaining({ reason: 'bomb' }));
  expect(() => read(2, 'e907 00')).toThrow(expect.objectContaining({ reason: 'bomb' }));
});
