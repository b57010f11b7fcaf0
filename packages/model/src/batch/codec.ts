import { readFileSync } from 'node:fs';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ByteReader, ByteWriter, crc32c, TidemarkError } from '@tidemark/base';
import avsc from 'avsc';
import { checkTenant } from '../tenant.ts';
import {
  malformed,
  readFloatColumn,
  readIndexColumn,
  readTimeColumn,
  writeFloatColumn,
  writeIndexColumn,
  writeTimeColumn,
} from './columns.ts';
import { RESOLUTION_MS, type Resolution, ROW_FLOAT_COLUMNS, type RowBatch, type RowColumns } from './row-batch.ts';
import type { ExemplarColumns, HistogramColumns, MetricMetadata, SampleBatch } from './sample-batch.ts';
import { encodeSeries, SectionReader } from './series-codec.ts';
import { METRIC_TYPES, type MetricType } from './series-section.ts';

// Batches as they lie on the log: an Avro record behind Confluent's framing, so that any consumer can find its schema.
//
//   value   := 0x00 | schema id u32be | Avro record (avro/sample-batch.avsc, avro/row-batch.avsc)
//              the record's last field is crc32c of all of the record before it
//   series, columns := 0x00 | bytes                           as they are
//                      0x01 | length uvarint | zstd frame     from PACK_AT bytes on, when that is smaller
//   columns (SampleBatch) := samples | tail*                  (RowBatch) := rows
//   samples := index column | time column | float column
//   tail    := tag u8 | length uvarint | bytes                1 histograms, 2 exemplars, 3 metadata; others are refused
//
// The checksum is verified before anything is decoded; every count is checked against the bytes that should hold it, and a
// zstd frame may not grow beyond UNPACKED_MAX: bad bytes are BATCH_* errors, never wrong numbers.

/** Ids in the framing on the embedded log; a schema registry gives its own. Recorded in the config topic. */
export const EMBEDDED_SCHEMA_IDS = { sampleBatch: 1, rowBatch: 2 } as const;

const schemaFile = (name: string) => readFileSync(new URL(`../../avro/${name}.avsc`, import.meta.url), 'utf8');
export const SAMPLE_BATCH_SCHEMA = schemaFile('sample-batch');
export const ROW_BATCH_SCHEMA = schemaFile('row-batch');

const SAMPLE_BATCH_TYPE = avsc.Type.forSchema(JSON.parse(SAMPLE_BATCH_SCHEMA) as avsc.Schema);
const ROW_BATCH_TYPE = avsc.Type.forSchema(JSON.parse(ROW_BATCH_SCHEMA) as avsc.Schema);

const FRAME_LENGTH = 5;
const CRC_LENGTH = 4;
// A synchronous zstd call costs some 27 us: below 16 KB that is more than the bytes it saves are worth.
const PACK_AT = 16_384;
const UNPACKED_MAX = 256 * 1024 * 1024;
const SAMPLES_MAX = 10_000_000;
const TAG = { histograms: 1, exemplars: 2, metadata: 3 } as const;

/** What this process encoded or decoded, by the identity of the bytes: consumers beside the producer decode nothing. */
const rememberedSamples = new WeakMap<Uint8Array, SampleBatch>();
const rememberedRows = new WeakMap<Uint8Array, RowBatch>();
const sections = new SectionReader();

/** The record's value. The batch is remembered behind the bytes: neither may change afterwards. */
export function encodeSampleBatch(batch: SampleBatch, schemaId: number = EMBEDDED_SCHEMA_IDS.sampleBatch): Uint8Array {
  const count = batch.values.length;
  const writer = new ByteWriter(64 + count * 12);
  writeIndexColumn(writer, batch.sampleSeries, count);
  writeTimeColumn(writer, batch.timestampsMs, count);
  writeFloatColumn(writer, batch.values, count);
  if (batch.histograms)
    writeTail(writer, TAG.histograms, (into) => writeHistograms(into, batch.histograms as HistogramColumns));
  if (batch.exemplars)
    writeTail(writer, TAG.exemplars, (into) => writeExemplars(into, batch.exemplars as ExemplarColumns));
  if (batch.metadata)
    writeTail(writer, TAG.metadata, (into) => writeMetadata(into, batch.metadata as MetricMetadata[]));
  const value = frame(SAMPLE_BATCH_TYPE, schemaId, {
    version: 0,
    tenant: batch.tenant,
    admittedAtMs: batch.admittedAtMs,
    seriesCount: batch.series.count,
    sampleCount: count,
    series: pack(encodeSeries(batch.series)),
    columns: pack(writer.view()),
    crc32c: EMPTY_CRC,
  });
  rememberedSamples.set(value, batch);
  return value;
}

/** Throws `BATCH_MALFORMED`, `BATCH_CHECKSUM`, `BATCH_VERSION`. The same bytes object gives the same batch object. */
export function decodeSampleBatch(value: Uint8Array): SampleBatch {
  const known = rememberedSamples.get(value);
  if (known) return known;
  const batch = translate(() => {
    const record = unframe(SAMPLE_BATCH_TYPE, value) as unknown as SampleBatchRecord;
    const series = sections.decode(unpack(record.series), record.seriesCount);
    const reader = new ByteReader(unpack(record.columns));
    const count = checkCount(record.sampleCount);
    const sampleSeries = readIndexColumn(reader, count, series.count);
    const timestampsMs = readTimeColumn(reader, count);
    const values = readFloatColumn(reader, count);
    const tails = readTails(reader, series.count);
    return {
      tenant: checkTenant(record.tenant),
      admittedAtMs: record.admittedAtMs,
      series,
      sampleSeries,
      timestampsMs,
      values,
      ...tails,
    };
  });
  rememberedSamples.set(value, batch);
  return batch;
}

/** The record's value. The batch is remembered behind the bytes: neither may change afterwards. */
export function encodeRowBatch(batch: RowBatch, schemaId: number = EMBEDDED_SCHEMA_IDS.rowBatch): Uint8Array {
  const { rows } = batch;
  const writer = new ByteWriter(64 + rows.length * 60);
  writeIndexColumn(writer, rows.series, rows.length);
  writeTimeColumn(writer, rows.endMs, rows.length);
  for (const name of ROW_FLOAT_COLUMNS) {
    if (name === 'firstMs' || name === 'lastMs') writeTimeColumn(writer, rows[name], rows.length);
    else writeFloatColumn(writer, rows[name], rows.length);
  }
  writeTimeColumn(writer, Float64Array.from(rows.generation.subarray(0, rows.length)), rows.length);
  writeTimeColumn(writer, rows.offset, rows.length);
  const value = frame(ROW_BATCH_TYPE, schemaId, {
    version: 0,
    tenant: batch.tenant,
    resolution: batch.resolution,
    admittedAtMs: batch.admittedAtMs,
    seriesCount: batch.series.count,
    rowCount: rows.length,
    series: pack(encodeSeries(batch.series)),
    columns: pack(writer.view()),
    crc32c: EMPTY_CRC,
  });
  rememberedRows.set(value, batch);
  return value;
}

/** Throws `BATCH_MALFORMED`, `BATCH_CHECKSUM`, `BATCH_VERSION`. The same bytes object gives the same batch object. */
export function decodeRowBatch(value: Uint8Array): RowBatch {
  const known = rememberedRows.get(value);
  if (known) return known;
  const batch = translate((): RowBatch => {
    const record = unframe(ROW_BATCH_TYPE, value) as unknown as RowBatchRecord;
    if (!Object.hasOwn(RESOLUTION_MS, record.resolution))
      throw malformed(`resolution ${JSON.stringify(record.resolution)}`);
    const series = sections.decode(unpack(record.series), record.seriesCount);
    const rows = readRows(new ByteReader(unpack(record.columns)), checkCount(record.rowCount), series.count);
    return {
      tenant: checkTenant(record.tenant),
      resolution: record.resolution as Resolution,
      admittedAtMs: record.admittedAtMs,
      series,
      rows,
    };
  });
  rememberedRows.set(value, batch);
  return batch;
}

interface SampleBatchRecord {
  version: number;
  tenant: string;
  admittedAtMs: number;
  seriesCount: number;
  sampleCount: number;
  series: Uint8Array;
  columns: Uint8Array;
}

interface RowBatchRecord extends Omit<SampleBatchRecord, 'sampleCount'> {
  resolution: string;
  rowCount: number;
}

const EMPTY_CRC = Buffer.alloc(CRC_LENGTH);

function frame(type: avsc.Type, schemaId: number, record: object): Uint8Array {
  const body = type.toBuffer(record);
  const value = new Uint8Array(FRAME_LENGTH + body.length);
  value.set(body, FRAME_LENGTH);
  const view = new DataView(value.buffer);
  view.setUint32(1, schemaId);
  view.setUint32(value.length - CRC_LENGTH, crc32c(value, FRAME_LENGTH, value.length - CRC_LENGTH));
  return value;
}

function unframe(type: avsc.Type, value: Uint8Array): { version: number } {
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
  const record = type.fromBuffer(
    Buffer.from(value.buffer, value.byteOffset + FRAME_LENGTH, value.length - FRAME_LENGTH),
  ) as {
    version: number;
  };
  if (record.version !== 0) {
    throw new TidemarkError('BATCH_VERSION', `a batch of version ${record.version}; this program reads version 0`, {
      version: record.version,
    });
  }
  return record;
}

function pack(bytes: Uint8Array): Buffer {
  if (bytes.length >= PACK_AT) {
    const frame = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
    if (frame.length < bytes.length) {
      const writer = new ByteWriter(frame.length + 10);
      writer.u8(1);
      writer.uvarint(bytes.length);
      writer.raw(frame);
      return Buffer.from(writer.bytes.buffer, 0, writer.length);
    }
  }
  const packed = Buffer.allocUnsafe(bytes.length + 1);
  packed[0] = 0;
  packed.set(bytes, 1);
  return packed;
}

function unpack(packed: Uint8Array): Uint8Array {
  const reader = new ByteReader(packed);
  const mode = reader.u8();
  if (mode === 0) return plain(packed.subarray(1));
  if (mode !== 1) throw malformed(`packing ${mode}`);
  const length = reader.uvarint();
  if (length > UNPACKED_MAX) throw malformed(`${length} bytes unpacked; the limit is ${UNPACKED_MAX}`);
  const bytes = zstdDecompressSync(packed.subarray(reader.at), { maxOutputLength: Math.max(1, length) });
  if (bytes.length !== length) throw malformed(`${bytes.length} bytes unpacked, ${length} announced`);
  return plain(bytes);
}

/** A Buffer's `slice` does not copy; past this line bytes are a Uint8Array, whose `slice` does. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function checkCount(count: number): number {
  if (count < 0 || count > SAMPLES_MAX) throw malformed(`a count of ${count}; the limit is ${SAMPLES_MAX}`);
  return count;
}

function readRows(reader: ByteReader, count: number, seriesCount: number): RowColumns {
  const series = readIndexColumn(reader, count, seriesCount);
  const endMs = readTimeColumn(reader, count);
  const floats = {} as Record<(typeof ROW_FLOAT_COLUMNS)[number], Float64Array>;
  for (const name of ROW_FLOAT_COLUMNS) {
    floats[name] =
      name === 'firstMs' || name === 'lastMs' ? readTimeColumn(reader, count) : readFloatColumn(reader, count);
  }
  const generation = Uint32Array.from(readTimeColumn(reader, count));
  const offset = readTimeColumn(reader, count);
  if (reader.left > 0) throw malformed(`${reader.left} bytes after the rows`);
  return { length: count, series, endMs, ...floats, generation, offset };
}

function writeTail(writer: ByteWriter, tag: number, write: (into: ByteWriter) => void): void {
  const into = new ByteWriter();
  write(into);
  writer.u8(tag);
  writer.lengthPrefixed(into.view());
}

function readTails(
  reader: ByteReader,
  seriesCount: number,
): Pick<SampleBatch, 'histograms' | 'exemplars' | 'metadata'> {
  let histograms: HistogramColumns | undefined;
  let exemplars: ExemplarColumns | undefined;
  let metadata: readonly MetricMetadata[] | undefined;
  while (reader.left > 0) {
    const tag = reader.u8();
    const tail = new ByteReader(reader.lengthPrefixed());
    if (tag === TAG.histograms) histograms = readHistograms(tail, seriesCount);
    else if (tag === TAG.exemplars) exemplars = readExemplars(tail, seriesCount);
    else if (tag === TAG.metadata) metadata = readMetadata(tail);
    else throw malformed(`a column of tag ${tag}`);
    if (tail.left > 0) throw malformed(`${tail.left} bytes after the column of tag ${tag}`);
  }
  return { histograms, exemplars, metadata };
}

function writeHistograms(writer: ByteWriter, columns: HistogramColumns): void {
  const count = columns.timestampsMs.length;
  writer.uvarint(count);
  writeIndexColumn(writer, columns.series, count);
  writeTimeColumn(writer, columns.timestampsMs, count);
  writeRagged(writer, columns.bytes, columns.ends);
}

function readHistograms(reader: ByteReader, seriesCount: number): HistogramColumns {
  const count = reader.count();
  const series = readIndexColumn(reader, count, seriesCount);
  const timestampsMs = readTimeColumn(reader, count);
  return { series, timestampsMs, ...readRagged(reader, count) };
}

function writeExemplars(writer: ByteWriter, columns: ExemplarColumns): void {
  const count = columns.values.length;
  writer.uvarint(count);
  writeIndexColumn(writer, columns.series, count);
  writeTimeColumn(writer, columns.timestampsMs, count);
  writeFloatColumn(writer, columns.values, count);
  writeRagged(writer, columns.labelBytes, columns.labelEnds);
}

function readExemplars(reader: ByteReader, seriesCount: number): ExemplarColumns {
  const count = reader.count();
  const series = readIndexColumn(reader, count, seriesCount);
  const timestampsMs = readTimeColumn(reader, count);
  const values = readFloatColumn(reader, count);
  const { bytes, ends } = readRagged(reader, count);
  return { series, timestampsMs, values, labelBytes: bytes, labelEnds: ends };
}

function writeRagged(writer: ByteWriter, bytes: Uint8Array, ends: Uint32Array): void {
  let last = 0;
  for (const end of ends) {
    writer.uvarint(end - last);
    last = end;
  }
  writer.raw(bytes.subarray(0, last));
}

function readRagged(reader: ByteReader, count: number): { bytes: Uint8Array; ends: Uint32Array } {
  if (count > reader.left) throw malformed('a ragged column shorter than its count');
  const ends = new Uint32Array(count);
  let last = 0;
  for (let i = 0; i < count; i++) {
    last += reader.uvarint();
    if (last > reader.left) throw malformed('a ragged column that passes its end');
    ends[i] = last;
  }
  return { ends, bytes: reader.raw(last).slice() };
}

function writeMetadata(writer: ByteWriter, entries: readonly MetricMetadata[]): void {
  writer.uvarint(entries.length);
  for (const entry of entries) {
    writer.text(entry.metric);
    writer.u8(METRIC_TYPES.indexOf(entry.type));
    writer.text(entry.unit);
    writer.text(entry.help);
  }
}

function readMetadata(reader: ByteReader): MetricMetadata[] {
  return Array.from({ length: reader.count(4) }, () => {
    const metric = reader.text();
    const type = METRIC_TYPES[reader.u8()] as MetricType | undefined;
    if (type === undefined) throw malformed('a metric type that is not known');
    return { metric, type, unit: reader.text(), help: reader.text() };
  });
}

/** What avsc, zlib and the byte reader throw becomes BATCH_MALFORMED; our own errors stay. */
function translate<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof TidemarkError && error.code.startsWith('BATCH_')) throw error;
    throw malformed(error instanceof Error ? error.message : String(error), error);
  }
}
