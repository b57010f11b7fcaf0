import { crc32c } from '@tidemark/base';
import { expect, test } from 'vitest';
import { raw, rawAt, textOf } from '../conformance/traits.ts';
import { encodeBatch } from './batch/batch-writer.ts';
import { AT, ATTRIBUTE } from './batch/record-batch.ts';
import { FetchedBatches } from './fetched-batches.ts';
import { kafkaMetrics } from './metrics.ts';
import type { AbortedTransaction, FetchedPartition } from './protocol/fetch.ts';

const COMMIT = Uint8Array.of(0, 0, 0, 1);
const ABORT = Uint8Array.of(0, 0, 0, 0);

function placed(batch: Buffer, offset: number, control = false): Buffer {
  batch.writeBigInt64BE(BigInt(offset), AT.baseOffset);
  if (control) batch.writeInt16BE(batch.readInt16BE(AT.attributes) | ATTRIBUTE.control, AT.attributes);
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  return batch;
}

function data(offset: number, values: readonly string[], producerId?: bigint): Buffer {
  const numbered =
    producerId === undefined ? {} : { producerId, producerEpoch: 0, baseSequence: 0, transactional: true };
  return placed(
    encodeBatch(
      values.map((value) => raw(0, value)),
      { timestampMs: 1, ...numbered },
    ),
    offset,
  );
}

function marker(offset: number, key: Uint8Array, producerId: bigint): Buffer {
  const options = { timestampMs: 1, producerId, producerEpoch: 0, transactional: true };
  return placed(encodeBatch([{ ...raw(0, ''), key }], options), offset, true);
}

function fetched(position: number, batches: readonly Buffer[], aborted: readonly AbortedTransaction[] = []) {
  const answer: FetchedPartition = {
    ...rawAt(0),
    error: 0,
    highWatermark: 0,
    lastStableOffset: 0,
    logStart: 0,
    aborted,
    batches: Buffer.concat(batches),
  };
  return (isolation: 'committed' | 'uncommitted', onCorruptBatch: 'stop' | 'skip' = 'stop') =>
    new FetchedBatches(rawAt(0), position, answer, isolation, {
      metrics: kafkaMetrics(),
      options: { decompressedBytesMax: 1_000_000, onCorruptBatch },
    });
}

function all(from: FetchedBatches, maxBytes = 1_000_000): readonly [(string | null)[], number] {
  const values: (string | null)[] = [];
  let position = -1;
  for (let taken = from.take(maxBytes); taken; taken = from.take(maxBytes)) {
    values.push(...taken.records.map(({ value }) => textOf(value)));
    position = taken.nextOffset;
  }
  return [values, position];
}

test('aborted transactions are passed over until their marker, others between them are not', () => {
  const make = fetched(
    0,
    [
      data(0, ['gone'], 7n),
      data(1, ['kept'], 8n),
      data(2, ['plain']),
      data(3, ['gone too'], 7n),
      marker(4, ABORT, 7n),
      data(5, ['next of the same'], 7n),
      marker(6, COMMIT, 8n),
      marker(7, COMMIT, 7n),
    ],
    [{ producerId: 7n, firstOffset: 0 }],
  );
  expect(all(make('committed'))).toEqual([['kept', 'plain', 'next of the same'], 8]);
  expect(all(make('uncommitted'), 1)[0]).toEqual(['gone', 'kept', 'plain', 'gone too', 'next of the same']);
});

test('control batches alone move the position', () => {
  expect(fetched(4, [marker(4, ABORT, 7n), marker(5, COMMIT, 8n)])('committed').take(1)).toEqual({
    records: [],
    nextOffset: 6,
  });
});

test('a record whose key is four zero bytes is a record', () => {
  const batch = placed(encodeBatch([{ ...raw(0, 'v'), key: ABORT }], { timestampMs: 1 }), 0);
  expect(all(fetched(0, [batch])('committed'))).toEqual([['v'], 1]);
});

test('a batch that began before the position gives what is behind it, a batch cut short nothing', () => {
  const cut = data(3, ['d', 'e']);
  const make = fetched(1, [data(0, ['a', 'b', 'c']), cut.subarray(0, cut.length - 1)]);
  expect(all(make('committed'))).toEqual([['b', 'c'], 3]);
  const small = make('committed');
  expect(small.take(1)).toMatchObject({ records: [{ offset: 1 }], nextOffset: 2 });
  expect(small.take(1)).toMatchObject({ records: [{ offset: 2 }], nextOffset: 3 });
  expect(small.take(1)).toBeUndefined();
});

test('a flipped bit stops reading behind what came before it, or is passed over when told so', () => {
  const bad = data(1, ['bad']);
  bad[bad.length - 2] = (bad[bad.length - 2] as number) ^ 1;
  const make = fetched(0, [data(0, ['a']), bad, data(2, ['c'])]);
  const stopping = make('committed');
  expect(stopping.take(1000)).toMatchObject({ nextOffset: 1 });
  for (let i = 0; i < 2; i++) {
    expect(() => stopping.take(1000)).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }));
  }
  expect(all(make('committed', 'skip'))).toEqual([['a', 'c'], 3]);
});
