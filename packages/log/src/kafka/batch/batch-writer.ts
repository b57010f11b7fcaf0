import { ByteWriter, crc32c } from '@tidemark/base';
import type { OutgoingRecord } from '../../log.ts';
import { COMPRESSION, compress } from '../codec/codecs.ts';
import { AT, ATTRIBUTE, MAGIC, NO_PRODUCER, PREFIX_BYTES } from './record-batch.ts';

// Writes a record batch; the layout is drawn in record-batch.ts.

export interface BatchOptions {
  readonly timestampMs: number;
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly transactional?: boolean;
  readonly compression?: 'zstd' | 'gzip' | 'none';
  /** Records of fewer bytes together are not compressed. */
  readonly compressAboveBytes?: number;
}

// Lengths and deltas of a record without headers: five varints of at most 5 bytes, and its attributes.
const RECORD_OVERHEAD_BYTES = 26;

/** One batch of these records, all of one partition; at least one. */
export function encodeBatch(records: readonly OutgoingRecord[], options: BatchOptions): Buffer {
  const body = new ByteWriter(estimate(records));
  const scratch = new ByteWriter(64);
  for (const [i, record] of records.entries()) writeRecord(body, scratch, record, i);
  const plain = body.view();
  const packed = compressed(plain, options);
  const batch = Buffer.allocUnsafe(AT.records + packed.bytes.length);
  batch.set(packed.bytes, AT.records);
  batch.writeBigInt64BE(0n, AT.baseOffset);
  batch.writeInt32BE(batch.length - PREFIX_BYTES, AT.length);
  batch.writeInt32BE(-1, AT.leaderEpoch);
  batch.writeInt8(MAGIC, AT.magic);
  batch.writeInt16BE(packed.compression | (options.transactional ? ATTRIBUTE.transactional : 0), AT.attributes);
  batch.writeInt32BE(records.length - 1, AT.lastOffsetDelta);
  batch.writeBigInt64BE(BigInt(options.timestampMs), AT.baseTime);
  batch.writeBigInt64BE(BigInt(options.timestampMs), AT.maxTime);
  batch.writeBigInt64BE(options.producerId ?? NO_PRODUCER.producerId, AT.producerId);
  batch.writeInt16BE(options.producerEpoch ?? NO_PRODUCER.producerEpoch, AT.producerEpoch);
  batch.writeInt32BE(options.baseSequence ?? NO_PRODUCER.baseSequence, AT.baseSequence);
  batch.writeInt32BE(records.length, AT.count);
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  return batch;
}

function compressed(plain: Uint8Array, options: BatchOptions): { bytes: Uint8Array; compression: number } {
  const { compression = 'none', compressAboveBytes = 0 } = options;
  const asItIs = { bytes: plain, compression: COMPRESSION.none };
  if (compression === 'none' || plain.length < compressAboveBytes) return asItIs;
  const bytes = compress(compression, plain);
  return bytes.length < plain.length ? { bytes, compression: COMPRESSION[compression] } : asItIs;
}

function writeRecord(out: ByteWriter, scratch: ByteWriter, record: OutgoingRecord, offsetDelta: number): void {
  const { key, value, headers } = record;
  // The length comes first: what is around key and value is written aside.
  scratch.reset();
  scratch.u8(0);
  scratch.zigzag(0);
  scratch.zigzag(offsetDelta);
  scratch.zigzag(key === null ? -1 : key.length);
  const beforeKey = scratch.length;
  scratch.zigzag(value === null ? -1 : value.length);
  const beforeValue = scratch.length;
  const names = headers === undefined ? [] : Object.keys(headers);
  scratch.zigzag(names.length);
  for (const name of names) {
    writeText(scratch, name);
    writeText(scratch, (headers as Readonly<Record<string, string>>)[name] as string);
  }
  out.zigzag(scratch.length + (key?.length ?? 0) + (value?.length ?? 0));
  out.raw(scratch.bytes.subarray(0, beforeKey));
  if (key !== null) out.raw(key);
  out.raw(scratch.bytes.subarray(beforeKey, beforeValue));
  if (value !== null) out.raw(value);
  out.raw(scratch.bytes.subarray(beforeValue, scratch.length));
}

function writeText(out: ByteWriter, text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  out.zigzag(bytes.length);
  out.raw(bytes);
}

function estimate(records: readonly OutgoingRecord[]): number {
  let bytes = 64;
  for (const { key, value } of records) bytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  return bytes;
}
