import { ByteWriter } from '@tidemark/base';
import { type BucketSide, isStale, type Labels, type NativeHistogram, type SelectedSeries } from '@tidemark/model';
import type { Chunk } from './chunk/series-chunks.ts';

// What remote read answers with, as protobuf:
//
//   ReadResponse         1 QueryResult*                              in the order of the queries
//   QueryResult          1 TimeSeries*
//   TimeSeries           1 Label* | 2 Sample* | 4 Histogram*
//   Label                1 name | 2 value
//   Sample               1 value double | 2 timestamp int64 (ms)
//   Histogram            as in ingest/src/protocol/wire-histogram.ts
//   ChunkedReadResponse  1 ChunkedSeries* | 2 index of the query int64
//   ChunkedSeries        1 Label* | 2 Chunk*
//   Chunk                1 from int64 (ms) | 2 to int64 (ms), both in it | 3 encoding | 4 bytes

const VARINT = 0;
const DOUBLE = 1;
const BYTES = 2;

/** A message in a field of another: its own writer is used again, so one level has one. */
function nested(out: ByteWriter, field: number, inner: ByteWriter): void {
  tag(out, field, BYTES);
  out.lengthPrefixed(inner.view());
  inner.reset();
}

function tag(out: ByteWriter, field: number, wire: number): void {
  out.uvarint(field * 8 + wire);
}

const ofLabel = new ByteWriter();
const ofPoint = new ByteWriter();
const ofSpan = new ByteWriter();

/** Labels of field 1, as TimeSeries and ChunkedSeries both have them. */
export function writeLabels(out: ByteWriter, labels: Labels): void {
  for (const { name, value } of labels) {
    tag(ofLabel, 1, BYTES);
    ofLabel.text(name);
    tag(ofLabel, 2, BYTES);
    ofLabel.text(value);
    nested(out, 1, ofLabel);
  }
}

/** Samples, then histograms, each in the order of time. */
export function writeSamples(out: ByteWriter, { timestampsMs, values, histograms }: SelectedSeries): void {
  const bits = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let next = 0;
  for (let i = 0; i < values.length; i++) {
    if (histograms?.entries[next] === i) {
      next++;
      continue;
    }
    tag(ofPoint, 1, DOUBLE);
    ofPoint.raw(bits.subarray(i * 8, i * 8 + 8));
    tag(ofPoint, 2, VARINT);
    int64(ofPoint, timestampsMs[i] as number);
    nested(out, 2, ofPoint);
  }
  for (const [i, histogram] of (histograms?.histograms ?? []).entries()) {
    writeHistogram(ofPoint, histogram, timestampsMs[histograms?.entries[i] as number] as number);
    nested(out, 4, ofPoint);
  }
}

export function writeChunk(out: ByteWriter, { fromMs, toMs, encoding, bytes }: Chunk): void {
  tag(ofPoint, 1, VARINT);
  int64(ofPoint, fromMs);
  tag(ofPoint, 2, VARINT);
  int64(ofPoint, toMs);
  tag(ofPoint, 3, VARINT);
  ofPoint.uvarint(encoding);
  tag(ofPoint, 4, BYTES);
  ofPoint.lengthPrefixed(bytes);
  nested(out, 2, ofPoint);
}

/** ChunkedReadResponse of one series, whose message is in `series`; resets it. */
export function writeChunkedResponse(out: ByteWriter, series: ByteWriter, query: number): void {
  nested(out, 1, series);
  if (query === 0) return;
  tag(out, 2, VARINT);
  out.uvarint(query);
}

/** In its field 1, as ReadResponse has results and QueryResult has series; resets the inner one. */
export function writeInFirst(out: ByteWriter, inner: ByteWriter): void {
  nested(out, 1, inner);
}

// "No reset" is of the sample before, which may not be in the answer, or may not be the one it was said of: readers look themselves.
const HINTS = { unknown: 0, reset: 1, 'no reset': 0, gauge: 3 } as const;

function writeHistogram(out: ByteWriter, histogram: NativeHistogram, timestampMs: number): void {
  const { fractions, count, sum, schema, zeroThreshold, zeroCount, positive, negative, bounds, hint } = histogram;
  const isEnd = isStale(sum);
  writeNumber(out, 1, 2, isEnd ? 0 : count, fractions);
  double(out, 3, sum);
  tag(out, 4, VARINT);
  out.zigzag(schema);
  double(out, 5, zeroThreshold);
  writeNumber(out, 6, 7, isEnd ? 0 : zeroCount, fractions);
  if (!isEnd) {
    writeSide(out, 8, negative, fractions);
    writeSide(out, 11, positive, fractions);
  }
  tag(out, 14, VARINT);
  out.uvarint(HINTS[hint]);
  tag(out, 15, VARINT);
  int64(out, timestampMs);
  for (const bound of bounds ?? []) double(out, 16, bound);
}

/** Spans in `field`, then buckets: as steps from one to the next, or as fractions. */
function writeSide(out: ByteWriter, field: number, { spans, counts }: BucketSide, fractions: boolean): void {
  for (const { gap, length } of spans) {
    tag(ofSpan, 1, VARINT);
    ofSpan.zigzag(gap);
    tag(ofSpan, 2, VARINT);
    ofSpan.uvarint(length);
    nested(out, field, ofSpan);
  }
  let before = 0;
  for (const count of counts) {
    if (fractions) double(out, field + 2, count);
    else {
      tag(out, field + 1, VARINT);
      out.zigzag(count - before);
      before = count;
    }
  }
}

function writeNumber(out: ByteWriter, whole: number, fraction: number, value: number, fractions: boolean): void {
  if (fractions) return void double(out, fraction, value);
  tag(out, whole, VARINT);
  out.uvarint(value);
}

function double(out: ByteWriter, field: number, value: number): void {
  tag(out, field, DOUBLE);
  out.f64(value);
}

/** A whole number, below zero as ten bytes. */
function int64(out: ByteWriter, value: number): void {
  if (value >= 0) return void out.uvarint(value);
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) out.u8(Number(rest & 0x7fn) | 0x80);
  out.u8(Number(rest));
}
