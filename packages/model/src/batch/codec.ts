import { ByteReader, ByteWriter, TidemarkError } from '@tidemark/base';
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
import { unpack } from './packing.ts';
import { EMBEDDED_SCHEMA_IDS, readRowRecord, readSampleRecord, writeRecord } from './record.ts';
import { Remembered } from './remembered.ts';
import { RESOLUTION_MS, type Resolution, ROW_FLOAT_COLUMNS, type RowBatch, type RowColumns } from './row-batch.ts';
import type { ExemplarColumns, HistogramColumns, MetricMetadata, SampleBatch } from './sample-batch.ts';
import { packedSeries, SectionReader } from './series-codec.ts';
import { METRIC_TYPES, type MetricType } from './series-section.ts';

export { EMBEDDED_SCHEMA_IDS, ROW_BATCH_SCHEMA, SAMPLE_BATCH_SCHEMA } from './record.ts';

// Batches as they lie on the log, in the records of record.ts, whose byte fields are packed as packing.ts has it:
//
//   series                series-codec.ts
//   columns (SampleBatch) := samples | tail*                  (RowBatch) := rows
//   samples := index column | time column | float column
//   tail    := tag u8 | length uvarint | bytes                1 histograms, 2 exemplars, 3 metadata; others are refused
//
// The checksum is verified before anything is decoded; every count is checked against the bytes that should hold it: bad
// bytes are BATCH_* errors, never wrong numbers.

const SAMPLES_MAX = 10_000_000;
const TAG = { histograms: 1, exemplars: 2, metadata: 3 } as const;

// Columns of a sample: which series u32, time and value f64. Of a row: 13 of f64, 2 of u32.
const rememberedSamples = new Remembered<SampleBatch>(({ values }) => values.length * 20);
const rememberedRows = new Remembered<RowBatch>(({ rows }) => rows.length * 112);
const sections = new SectionReader();

// 4 MiB: the columns of some 60,000 rows. What a larger batch needed is let go.
const SCRATCH_KEEP_BYTES = 4 * 1024 * 1024;
let scratch = new ByteWriter(16 * 1024);

/** Empty; the caller is done with it before it returns. */
function scratchColumns(): ByteWriter {
  if (scratch.bytes.length > SCRATCH_KEEP_BYTES) scratch = new ByteWriter(16 * 1024);
  scratch.reset();
  return scratch;
}

/** The record's value. The batch is remembered for a while behind the bytes: neither may change afterwards. */
export function encodeSampleBatch(batch: SampleBatch, schemaId: number = EMBEDDED_SCHEMA_IDS.sampleBatch): Uint8Array {
  const count = batch.values.length;
  const writer = scratchColumns();
  writeIndexColumn(writer, batch.sampleSeries, count);
  writeTimeColumn(writer, batch.timestampsMs, count);
  writeFloatColumn(writer, batch.values, count);
  if (batch.histograms)
    writeTail(writer, TAG.histograms, (into) => writeHistograms(into, batch.histograms as HistogramColumns));
  if (batch.exemplars)
    writeTail(writer, TAG.exemplars, (into) => writeExemplars(into, batch.exemplars as ExemplarColumns));
  if (batch.metadata)
    writeTail(writer, TAG.metadata, (into) => writeMetadata(into, batch.metadata as MetricMetadata[]));
  const value = writeRecord(schemaId, {
    tenant: batch.tenant,
    admittedAtMs: batch.admittedAtMs,
    seriesCount: batch.series.count,
    count,
    series: packedSeries(batch.series),
    columns: writer.view(),
  });
  rememberedSamples.set(value, batch);
  return value;
}

/** Throws `BATCH_MALFORMED`, `BATCH_CHECKSUM`, `BATCH_VERSION`. The same bytes object gives the same batch object for a while. */
export function decodeSampleBatch(value: Uint8Array): SampleBatch {
  const known = rememberedSamples.get(value);
  if (known) {
    sections.spared();
    return known;
  }
  const batch = translate(() => {
    const record = readSampleRecord(value);
    const series = sections.decode(record.series, record.seriesCount);
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

/** The record's value. The batch is remembered for a while behind the bytes: neither may change afterwards. */
export function encodeRowBatch(batch: RowBatch, schemaId: number = EMBEDDED_SCHEMA_IDS.rowBatch): Uint8Array {
  const { rows } = batch;
  const writer = scratchColumns();
  writeRows(writer, rows);
  const value = writeRecord(schemaId, {
    tenant: batch.tenant,
    resolution: batch.resolution,
    admittedAtMs: batch.admittedAtMs,
    seriesCount: batch.series.count,
    count: rows.length,
    series: packedSeries(batch.series),
    columns: writer.view(),
  });
  rememberedRows.set(value, batch);
  return value;
}

/** Throws `BATCH_MALFORMED`, `BATCH_CHECKSUM`, `BATCH_VERSION`. The same bytes object gives the same batch object for a while. */
export function decodeRowBatch(value: Uint8Array): RowBatch {
  const known = rememberedRows.get(value);
  if (known) {
    sections.spared();
    return known;
  }
  const batch = translate((): RowBatch => {
    const record = readRowRecord(value);
    if (!Object.hasOwn(RESOLUTION_MS, record.resolution))
      throw malformed(`resolution ${JSON.stringify(record.resolution)}`);
    const series = sections.decode(record.series, record.seriesCount);
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

function checkCount(count: number): number {
  if (count < 0 || count > SAMPLES_MAX) throw malformed(`a count of ${count}; the limit is ${SAMPLES_MAX}`);
  return count;
}

/** The columns of rows, as they lie in a batch. Their count stands outside. */
export function writeRows(writer: ByteWriter, rows: RowColumns): void {
  writeIndexColumn(writer, rows.series, rows.length);
  writeTimeColumn(writer, rows.endMs, rows.length);
  for (const name of ROW_FLOAT_COLUMNS) {
    if (name === 'firstMs' || name === 'lastMs') writeTimeColumn(writer, rows[name], rows.length);
    else writeFloatColumn(writer, rows[name], rows.length);
  }
  writeTimeColumn(writer, Float64Array.from(rows.generation.subarray(0, rows.length)), rows.length);
  writeTimeColumn(writer, rows.offset, rows.length);
}

/** What `writeRows` wrote, to the end of the bytes. Throws `BATCH_MALFORMED`. */
export function readRows(reader: ByteReader, count: number, seriesCount: number): RowColumns {
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
  if (columns.hasNoTime) writer.raw(columns.hasNoTime.subarray(0, count));
}

function readExemplars(reader: ByteReader, seriesCount: number): ExemplarColumns {
  const count = reader.count();
  const series = readIndexColumn(reader, count, seriesCount);
  const timestampsMs = readTimeColumn(reader, count);
  const values = readFloatColumn(reader, count);
  const { bytes, ends } = readRagged(reader, count);
  const hasNoTime = reader.left > 0 ? reader.raw(count).slice() : undefined;
  return { series, timestampsMs, values, labelBytes: bytes, labelEnds: ends, hasNoTime };
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
