import { readFileSync } from 'node:fs';
import { assert, ByteWriter, crc32c, TidemarkError } from '@tidemark/base';
import avsc from 'avsc';
import { malformed } from './columns.ts';
import { writePackedField } from './packing.ts';

// The record around a batch: Avro behind Confluent's framing, so that any consumer can find its schema.
//
//   value   := 0x00 | schema id u32be | Avro record (avro/sample-batch.avsc, avro/row-batch.avsc)
//              the record's last field is crc32c of all of the record before it
//
// Avro writes fields one after another, without names: int and long as zigzag, string and bytes behind their length as
// zigzag, fixed as it is. So records are written by hand into one buffer, some 10 us sooner than by a library; they are
// read by the library, which also refuses what is no such record.

/** Ids in the framing on the embedded log; a schema registry gives its own. Recorded in the config topic. */
export const EMBEDDED_SCHEMA_IDS = { sampleBatch: 1, rowBatch: 2, sample: 7 } as const;

const schemaFile = (name: string) => readFileSync(new URL(`../../avro/${name}.avsc`, import.meta.url), 'utf8');
export const SAMPLE_BATCH_SCHEMA: string = schemaFile('sample-batch');
export const ROW_BATCH_SCHEMA: string = schemaFile('row-batch');

const SAMPLE_BATCH_TYPE = avsc.Type.forSchema(JSON.parse(SAMPLE_BATCH_SCHEMA) as avsc.Schema);
const ROW_BATCH_TYPE = avsc.Type.forSchema(JSON.parse(ROW_BATCH_SCHEMA) as avsc.Schema);

const VERSION = 0;
const FRAME_LENGTH = 5;
const CRC_LENGTH = 4;
const INT_MAX = 2 ** 31 - 1;
// 1 MiB: a batch of 100,000 samples. What a larger one needed is let go.
const SCRATCH_KEEP_BYTES = 1024 * 1024;

/** The fields of SampleBatch and RowBatch; `resolution` is RowBatch's alone. */
export interface RecordFields {
  readonly tenant: string;
  readonly resolution?: string;
  readonly admittedAtMs: number;
  readonly seriesCount: number;
  /** Samples, or rows. */
  readonly count: number;
  /** Packed. */
  readonly series: Uint8Array;
  /** Not packed yet; may be a view of scratch. */
  readonly columns: Uint8Array;
}

export interface BatchRecord {
  readonly version: number;
  readonly tenant: string;
  readonly admittedAtMs: number;
  readonly seriesCount: number;
  readonly series: Uint8Array;
  readonly columns: Uint8Array;
}

export interface SampleBatchRecord extends BatchRecord {
  readonly sampleCount: number;
}

export interface RowBatchRecord extends BatchRecord {
  readonly resolution: string;
  readonly rowCount: number;
}

let scratch = new ByteWriter(16 * 1024);

/** The whole value, in a buffer of its own. */
export function writeRecord(schemaId: number, fields: RecordFields): Uint8Array {
  const { tenant, resolution, admittedAtMs, seriesCount, count, series, columns } = fields;
  assert(Number.isSafeInteger(admittedAtMs), 'the admission clock counts whole milliseconds');
  assert(seriesCount <= INT_MAX && count <= INT_MAX, 'counts are ints');
  const writer = scratch;
  writer.reset();
  writer.u8(0);
  writer.u32be(schemaId);
  writer.zigzag(VERSION);
  writeString(writer, tenant);
  if (resolution !== undefined) writeString(writer, resolution);
  writer.zigzag(admittedAtMs);
  writer.zigzag(seriesCount);
  writer.zigzag(count);
  writer.zigzag(series.length);
  writer.raw(series);
  writePackedField(writer, columns);
  writer.u32be(crc32c(writer.bytes, FRAME_LENGTH, writer.length));
  const value = writer.finish();
  if (writer.bytes.length > SCRATCH_KEEP_BYTES) scratch = new ByteWriter(16 * 1024);
  return value;
}

function writeString(writer: ByteWriter, text: string): void {
  const bytes = Buffer.from(text);
  writer.zigzag(bytes.length);
  writer.raw(bytes);
}

/** Throws `BATCH_MALFORMED`, `BATCH_CHECKSUM`, `BATCH_VERSION`, and what avsc throws. Bytes are views of `value`. */
export function readSampleRecord(value: Uint8Array): SampleBatchRecord {
  return read<SampleBatchRecord>(SAMPLE_BATCH_TYPE, value);
}

/** As `readSampleRecord`. */
export function readRowRecord(value: Uint8Array): RowBatchRecord {
  return read<RowBatchRecord>(ROW_BATCH_TYPE, value);
}

function read<R extends BatchRecord>(type: avsc.Type, value: Uint8Array): R {
  if (value.length < FRAME_LENGTH + CRC_LENGTH + 6 || value[0] !== 0) {
    throw malformed(
      `no framed Avro record: ${value.length} bytes beginning ${Buffer.from(value.subarray(0, 5)).toString('hex')}`,
    );
  }
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const stored = view.getUint32(value.length - CRC_LENGTH);
  const computed = crc32c(value, FRAME_LENGTH, value.length - CRC_LENGTH);
  if (stored !== computed) {
    throw new TidemarkError('BATCH_CHECKSUM', 'the batch is damaged: its CRC-32C does not hold', { stored, computed });
  }
  const bytes = Buffer.from(value.buffer, value.byteOffset + FRAME_LENGTH, value.length - FRAME_LENGTH);
  const record = type.fromBuffer(bytes) as R;
  if (record.version !== VERSION) {
    throw new TidemarkError('BATCH_VERSION', `a batch of version ${record.version}; this program reads version 0`, {
      version: record.version,
    });
  }
  return record;
}
