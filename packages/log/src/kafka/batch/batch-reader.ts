import { ByteReader, crc32c } from '@tidemark/base';
import type { LogRecord } from '../../log.ts';
import { NO_HEADERS } from '../../record.ts';
import { DecompressionFailed, decompress } from '../codec/codecs.ts';
import { AT, ATTRIBUTE, MAGIC, PREFIX_BYTES } from './record-batch.ts';

// Reads record batches as brokers hand them out: several one after another, the last perhaps cut short.
//
//   nextBatch    the header, and where the batch ends; undefined where what is left is not a whole batch
//   readRecords  checksum, then decompression up to a cap, then records, every count and length checked
//
// Whatever cannot be read is `BatchCorrupt` with a reason; nothing is guessed.

export type CorruptReason = 'checksum' | 'bomb' | 'malformed' | 'format';

export class BatchCorrupt extends Error {
  override readonly name = 'BatchCorrupt';
  readonly reason: CorruptReason;

  constructor(reason: CorruptReason, what: string, cause?: unknown) {
    super(what, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

export interface Batch {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  /** What comes behind it, whatever of it compaction has left. */
  readonly nextOffset: number;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
}

// A record takes at least seven bytes: length, attributes, two deltas, two lengths, a count.
const RECORD_BYTES_MIN = 7;
// What each record starts with: its attributes, which mean nothing yet.
const CONTROL_ABORT = 0;

/** The batch at `at`, or undefined where it is not whole. Throws `BatchCorrupt` (`format`) where there is no batch at all. */
export function nextBatch(source: Buffer, at: number): { readonly batch: Batch; readonly end: number } | undefined {
  if (source.length - at < AT.records) return undefined;
  const end = at + PREFIX_BYTES + source.readInt32BE(at + AT.length);
  const magic = source.readInt8(at + AT.magic);
  if (magic !== MAGIC) throw new BatchCorrupt('format', `format ${magic} of batches, not ${MAGIC}`);
  if (end < at + AT.records) throw new BatchCorrupt('malformed', 'a batch shorter than its header');
  if (end > source.length) return undefined;
  const bytes = source.subarray(at, end);
  const baseOffset = Number(bytes.readBigInt64BE(AT.baseOffset));
  const lastOffsetDelta = bytes.readInt32BE(AT.lastOffsetDelta);
  if (baseOffset < 0 || lastOffsetDelta < 0) throw new BatchCorrupt('malformed', 'an offset below 0');
  const attributes = bytes.readInt16BE(AT.attributes);
  const batch: Batch = {
    bytes,
    baseOffset,
    nextOffset: baseOffset + lastOffsetDelta + 1,
    producerId: bytes.readBigInt64BE(AT.producerId),
    isTransactional: (attributes & ATTRIBUTE.transactional) !== 0,
    isControl: (attributes & ATTRIBUTE.control) !== 0,
  };
  return { batch, end };
}

/** Throws `BatchCorrupt`. */
export function checkBatch({ bytes, baseOffset }: Batch): void {
  if (crc32c(bytes, AT.attributes) === bytes.readUInt32BE(AT.crc)) return;
  throw new BatchCorrupt('checksum', `the checksum of the batch at offset ${baseOffset} does not fit its bytes`);
}

/** Records of a checked batch, offsets rising. Throws `BatchCorrupt`. */
export function readRecords(batch: Batch, maxBytes: number): LogRecord[] {
  const { bytes, baseOffset } = batch;
  const count = bytes.readInt32BE(AT.count);
  const attributes = bytes.readInt16BE(AT.attributes);
  const reader = new ByteReader(bodyOf(bytes, attributes & ATTRIBUTE.compression, maxBytes));
  if (count < 0 || count * RECORD_BYTES_MIN > reader.left) {
    throw new BatchCorrupt('malformed', `${count} records that cannot fit in ${reader.left} bytes`);
  }
  const isBrokerTime = (attributes & ATTRIBUTE.logAppendTime) !== 0;
  const timeMs = Number(bytes.readBigInt64BE(isBrokerTime ? AT.maxTime : AT.baseTime));
  const records: LogRecord[] = [];
  try {
    for (let i = 0; i < count; i++) records.push(readRecord(reader, baseOffset, timeMs, isBrokerTime));
  } catch (error) {
    if (error instanceof BatchCorrupt) throw error;
    throw new BatchCorrupt('malformed', `record ${records.length} of the batch at offset ${baseOffset}`, error);
  }
  if (reader.left > 0) throw new BatchCorrupt('malformed', `${reader.left} bytes behind the last record`);
  return records;
}

/** Whether a control batch ends a transaction by an abort. Throws `BatchCorrupt`. */
export function isAbortMarker(batch: Batch): boolean {
  const [marker] = readRecords(batch, batch.bytes.length);
  if (!marker?.key || marker.key.length < 4) throw new BatchCorrupt('malformed', 'a control batch without its key');
  return Buffer.from(marker.key.buffer, marker.key.byteOffset).readInt16BE(2) === CONTROL_ABORT;
}

function bodyOf(bytes: Buffer, compression: number, maxBytes: number): Uint8Array {
  const body = bytes.subarray(AT.records);
  if (compression === 0) return body;
  try {
    return decompress(compression, body, maxBytes);
  } catch (error) {
    if (error instanceof DecompressionFailed) throw new BatchCorrupt(error.reason, error.message, error);
    throw error;
  }
}

function readRecord(reader: ByteReader, baseOffset: number, timeMs: number, isBrokerTime: boolean): LogRecord {
  const length = reader.zigzag();
  const end = reader.at + length;
  if (length < 0 || end > reader.end) throw new BatchCorrupt('malformed', 'a record beyond the end');
  reader.u8();
  const timeDelta = reader.zigzag();
  const offset = baseOffset + reader.zigzag();
  const key = readBytes(reader);
  const value = readBytes(reader);
  const headers = readHeaders(reader);
  if (reader.at !== end) throw new BatchCorrupt('malformed', 'a record whose length is not what it holds');
  return { offset, timestampMs: isBrokerTime ? timeMs : timeMs + timeDelta, key, value, headers };
}

function readBytes(reader: ByteReader): Uint8Array | null {
  const length = reader.zigzag();
  if (length === -1) return null;
  if (length < 0) throw new BatchCorrupt('malformed', 'a length below -1');
  return reader.raw(length);
}

/** A name that comes twice has its last value; no value is an empty one. */
function readHeaders(reader: ByteReader): Readonly<Record<string, string>> {
  const count = reader.zigzag();
  if (count === 0) return NO_HEADERS;
  if (count < 0 || count * 2 > reader.left) throw new BatchCorrupt('malformed', `${count} headers that cannot fit`);
  const headers: Record<string, string> = Object.create(null);
  for (let i = 0; i < count; i++) {
    const name = Buffer.from(readBytes(reader) ?? []).toString('utf8');
    headers[name] = Buffer.from(readBytes(reader) ?? []).toString('utf8');
  }
  return headers;
}
