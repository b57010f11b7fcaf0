import { gzipSync, zstdCompressSync } from 'node:zlib';
import { crc32c } from '@tidemark/base';
import { withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import type { OutgoingRecord } from '../../log.ts';
import { type Batch, BatchCorrupt, checkBatch, nextBatch, readRecords } from './batch-reader.ts';
import { encodeBatch } from './batch-writer.ts';
import { AT } from './record-batch.ts';

const CAP = 1_000_000;
const at = { topic: 't', partition: 0 };
const bytesOf = (text: string) => new TextEncoder().encode(text);

function reread(bytes: Buffer): Batch {
  const found = nextBatch(bytes, 0);
  if (!found) throw new Error('not whole');
  checkBatch(found.batch);
  return found.batch;
}

/** The batch with other bytes for records, its length and checksum made right. */
function withBody(batch: Buffer, compression: number, body: Uint8Array, count = 1): Buffer {
  const made = Buffer.concat([batch.subarray(0, AT.records), body]);
  made.writeInt32BE(made.length - 12, AT.length);
  made.writeInt16BE(compression, AT.attributes);
  made.writeInt32BE(count, AT.count);
  made.writeUInt32BE(crc32c(made, AT.attributes), AT.crc);
  return made;
}

const RECORDS: OutgoingRecord[] = [
  { ...at, key: null, value: bytesOf('a'), headers: JSON.parse('{"__proto__":"p","tenant":"ü","empty":""}') },
  { ...at, key: new Uint8Array(4), value: bytesOf('four zero bytes are a key like any other') },
  { ...at, key: bytesOf('gone'), value: null },
  { ...at, key: new Uint8Array(0), value: new Uint8Array(0) },
  { ...at, key: null, value: new Uint8Array(5000).fill(7) },
];

test.each(['none', 'zstd', 'gzip'] as const)('records come back as they went, compression %s', (compression) => {
  const bytes = encodeBatch(RECORDS, { timestampMs: 1_700_000_000_123, compression });
  const records = readRecords(reread(bytes), CAP);
  expect(records.map(({ offset, timestampMs }) => [offset, timestampMs])).toEqual(
    RECORDS.map((_, i) => [i, 1_700_000_000_123]),
  );
  for (const [i, { key, value, headers }] of RECORDS.entries()) {
    expect(records[i]?.key && Buffer.from(records[i].key)).toEqual(key && Buffer.from(key));
    expect(records[i]?.value && Buffer.from(records[i].value)).toEqual(value && Buffer.from(value));
    expect(Object.entries(records[i]?.headers ?? {})).toEqual(Object.entries(headers ?? {}));
  }
});

test('the bytes of a batch are those of the format', () => {
  const bytes = encodeBatch([{ ...at, key: bytesOf('k'), value: bytesOf('v') }], {
    timestampMs: 1,
    producerId: 2n,
    producerEpoch: 3,
    baseSequence: 4,
    transactional: true,
  });
  const crc = bytes.subarray(AT.crc, AT.crc + 4).toString('hex');
  expect(bytes.toString('hex')).toBe(
    [
      ['0000000000000000', '0000003a', 'ffffffff', '02', crc, '0010', '00000000'],
      ['0000000000000001', '0000000000000001', '0000000000000002', '0003', '00000004', '00000001'],
      ['10', '00', '00', '00', '02', '6b', '02', '76', '00'],
    ]
      .flat()
      .join(''),
  );
});

test('several in a row, the last cut short', () => {
  const one = encodeBatch([RECORDS[0] as OutgoingRecord], { timestampMs: 1 });
  const source = Buffer.concat([one, one, one.subarray(0, one.length - 1)]);
  const second = nextBatch(source, one.length);
  expect(second?.end).toBe(2 * one.length);
  expect(nextBatch(source, 2 * one.length)).toBeUndefined();
  expect(nextBatch(source, source.length)).toBeUndefined();
});

test('a bomb is refused before it is made', () => {
  const batch = encodeBatch([RECORDS[0] as OutgoingRecord], { timestampMs: 1 });
  const zeroes = Buffer.alloc(4_000_000);
  const lz4 = Buffer.from(`04224d18604082${'00'.repeat(4)}`, 'hex');
  // One literal, then a match of distance 1 over four million bytes.
  const block = Buffer.concat([Buffer.from('1f000100', 'hex'), Buffer.alloc(16_000, 255), Buffer.from([0, 0])]);
  const header = lz4.subarray(0, 7);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(block.length);
  for (const [compression, body] of [
    [1, gzipSync(zeroes)],
    [2, Buffer.from('8092f401', 'hex')],
    [3, Buffer.concat([header, size, block, Buffer.alloc(4)])],
    [4, zstdCompressSync(zeroes)],
  ] as const) {
    expect(() => readRecords(reread(withBody(batch, compression, body)), CAP)).toThrow(
      expect.objectContaining({ reason: 'bomb' }),
    );
  }
});

test('counts that cannot fit are refused', () => {
  const batch = encodeBatch([RECORDS[0] as OutgoingRecord], { timestampMs: 1 });
  const made = withBody(batch, 0, batch.subarray(AT.records), 2 ** 31 - 1);
  expect(() => readRecords(reread(made), CAP)).toThrow(expect.objectContaining({ reason: 'malformed' }));
});

test('any flipped bit behind the checksum is noticed, and without the checksum nothing but records or a refusal comes', () =>
  withSeed('kafka record batch', async (random) => {
    for (const compression of ['none', 'zstd', 'gzip'] as const) {
      const good = encodeBatch(RECORDS, { timestampMs: 1, compression });
      for (let round = 0; round < 400; round++) {
        const bad = Buffer.from(good);
        const bit = random.below((bad.length - AT.crc) * 8) + AT.crc * 8;
        bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(() => reread(bad)).toThrow(BatchCorrupt);
        try {
          const found = nextBatch(bad, 0);
          if (found) readRecords(found.batch, CAP);
        } catch (error) {
          expect(error).toBeInstanceOf(BatchCorrupt);
        }
      }
    }
  }));
