import { ByteReader, ByteWriter, TidemarkError } from '@tidemark/base';
import {
  type BucketSide,
  type BucketSpan,
  type NativeHistogram,
  type ResetHint,
  SCHEMA_LEAST,
  SCHEMA_MOST,
  SCHEMA_OWN_BOUNDS,
} from './native-histogram.ts';

// The bytes of one native histogram, in a batch and in the engine's memory: docs/format/histogram.md
//
//   histogram := flags u8 | schema zigzag | zero threshold f64 | sum f64 | count | zero count | positive | negative | bounds?
//   flags     := 1 fractions, 2 bounds of its own | hint in bits 2-3: 0 unknown 1 reset 2 no reset 3 gauge
//   side      := spans uvarint | (gap zigzag, length uvarint)* | number*
//   bounds    := count uvarint | f64*                          only with flag 2
//   count, zero count, number := uvarint | f64                 f64 with flag 1; absolute
//
// Canonical: equal histograms have equal bytes. No span is empty, none follows the one before it without a gap.

/** Where the bytes of the sum begin: every schema is one byte. A stale marker is told by bits that a number in between may lose. */
export const HISTOGRAM_SUM_AT = 10;
/** Of both sides together, as of the bounds. */
export const HISTOGRAM_BUCKETS_MAX = 65_536;
/** What an index of a bucket may be: as on the wire. */
const INDEX_MAX = 2 ** 31 - 1;
const NO_BUCKETS: BucketSide = { spans: [], counts: new Float64Array(0) };

const FRACTIONS = 1;
const OWN_BOUNDS = 2;
const HINT_SHIFT = 2;
const HINTS: readonly ResetHint[] = ['unknown', 'reset', 'no reset', 'gauge'];

/** Requires: as `histogramProblem` has it. */
export function encodeHistogram(histogram: NativeHistogram): Uint8Array {
  const writer = new ByteWriter(64 + 2 * (histogram.positive.counts.length + histogram.negative.counts.length));
  writeHistogram(writer, histogram);
  return writer.finish();
}

/** As `encodeHistogram`. */
export function writeHistogram(writer: ByteWriter, histogram: NativeHistogram): void {
  const { bounds, fractions } = histogram;
  writeKind(writer, histogram);
  writer.f64(histogram.sum);
  writeNumber(writer, histogram.count, fractions);
  writeNumber(writer, histogram.zeroCount, fractions);
  writeSide(writer, histogram.positive, fractions);
  writeSide(writer, histogram.negative, fractions);
  writeBounds(writer, bounds);
}

/** All but the numbers: what histograms of a series have in common for long. */
export interface HistogramShape
  extends Pick<NativeHistogram, 'schema' | 'hint' | 'fractions' | 'zeroThreshold' | 'bounds'> {
  readonly positive: Pick<BucketSide, 'spans'>;
  readonly negative: Pick<BucketSide, 'spans'>;
}

/** shape := flags | schema | zero threshold | spans of positive | spans of negative | bounds? as in a histogram */
export function writeHistogramShape(writer: ByteWriter, shape: HistogramShape): void {
  writeKind(writer, shape);
  writeSpans(writer, shape.positive.spans);
  writeSpans(writer, shape.negative.spans);
  writeBounds(writer, shape.bounds);
}

/** Throws `HISTOGRAM_MALFORMED`, `BYTES_MALFORMED`. */
export function readHistogramShape(reader: ByteReader): HistogramShape {
  const kind = readKind(reader);
  const positive = { spans: readSpans(reader) };
  const negative = { spans: readSpans(reader) };
  return { ...kind, positive, negative, bounds: kind.schema === SCHEMA_OWN_BOUNDS ? readBounds(reader) : undefined };
}

export function bucketsOf({ spans }: Pick<BucketSide, 'spans'>): number {
  let buckets = 0;
  for (const { length } of spans) buckets += length;
  return buckets;
}

type Kind = Pick<NativeHistogram, 'schema' | 'hint' | 'fractions' | 'zeroThreshold'>;

function writeKind(writer: ByteWriter, { schema, hint, fractions, zeroThreshold }: Kind): void {
  const flags = (fractions ? FRACTIONS : 0) | (schema === SCHEMA_OWN_BOUNDS ? OWN_BOUNDS : 0);
  writer.u8(flags | (HINTS.indexOf(hint) << HINT_SHIFT));
  writer.zigzag(schema);
  writer.f64(zeroThreshold);
}

function writeBounds(writer: ByteWriter, bounds: Float64Array | undefined): void {
  if (bounds === undefined) return;
  writer.uvarint(bounds.length);
  for (const bound of bounds) writer.f64(bound);
}

function writeSide(writer: ByteWriter, { spans, counts }: BucketSide, fractions: boolean): void {
  writeSpans(writer, spans);
  for (const count of counts) writeNumber(writer, count, fractions);
}

function writeSpans(writer: ByteWriter, spans: readonly BucketSpan[]): void {
  const canonical = joinSpans(spans);
  writer.uvarint(canonical.length);
  for (const { gap, length } of canonical) {
    writer.zigzag(gap);
    writer.uvarint(length);
  }
}

function writeNumber(writer: ByteWriter, value: number, fractions: boolean): void {
  if (fractions) writer.f64(value);
  else writer.uvarint(value);
}

/** The same buckets in as few spans as there can be. */
function joinSpans(spans: readonly BucketSpan[]): BucketSpan[] {
  const joined: { gap: number; length: number }[] = [];
  let gap = 0;
  for (const span of spans) {
    gap += span.gap;
    if (span.length === 0) continue;
    const last = joined.at(-1);
    if (last !== undefined && gap === 0) last.length += span.length;
    else joined.push({ gap, length: span.length });
    gap = 0;
  }
  return joined;
}

/** All of `bytes`. Throws `HISTOGRAM_MALFORMED`, and only that: what these bytes say has a shape that is allowed, or is refused. */
export function decodeHistogram(bytes: Uint8Array): NativeHistogram {
  const reader = new ByteReader(bytes);
  try {
    const histogram = readHistogram(reader);
    if (reader.left > 0) throw malformed(`${reader.left} bytes after it`);
    return histogram;
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'BYTES_MALFORMED') throw malformed(error.message, error);
    throw error;
  }
}

function readHistogram(reader: ByteReader): NativeHistogram {
  const kind = readKind(reader);
  const { fractions } = kind;
  return {
    ...kind,
    sum: reader.f64(),
    count: readNumber(reader, fractions),
    zeroCount: readNumber(reader, fractions),
    positive: readSide(reader, fractions),
    negative: readSide(reader, fractions),
    bounds: kind.schema === SCHEMA_OWN_BOUNDS ? readBounds(reader) : undefined,
  };
}

function readKind(reader: ByteReader): Kind {
  const flags = reader.u8();
  if (flags > 15) throw malformed(`flags ${flags}`);
  const schema = reader.zigzag();
  const ownBounds = (flags & OWN_BOUNDS) !== 0;
  if (ownBounds !== (schema === SCHEMA_OWN_BOUNDS)) throw malformed(`schema ${schema} with flags ${flags}`);
  if (!ownBounds && (schema < SCHEMA_LEAST || schema > SCHEMA_MOST)) throw malformed(`schema ${schema}`);
  const hint = HINTS[flags >>> HINT_SHIFT] as ResetHint;
  return { schema, hint, fractions: (flags & FRACTIONS) !== 0, zeroThreshold: reader.f64() };
}

function readSide(reader: ByteReader, fractions: boolean): BucketSide {
  const spans = readSpans(reader);
  if (spans.length === 0) return NO_BUCKETS;
  const buckets = bucketsOf({ spans });
  // Asked before there is memory for them.
  if (buckets * (fractions ? 8 : 1) > reader.left) throw malformed(`${buckets} buckets that end early`);
  const counts = new Float64Array(buckets);
  for (let i = 0; i < buckets; i++) counts[i] = readNumber(reader, fractions);
  return { spans, counts };
}

function readSpans(reader: ByteReader): readonly BucketSpan[] {
  const count = reader.count(2);
  const spans: BucketSpan[] = [];
  let buckets = 0;
  for (let i = 0; i < count; i++) {
    const gap = reader.zigzag();
    const length = reader.uvarint();
    if (length === 0 || (i > 0 && gap <= 0)) throw malformed(`a span of length ${length} after a gap of ${gap}`);
    spans.push({ gap, length });
    buckets += length;
    if (buckets > HISTOGRAM_BUCKETS_MAX) throw malformed(`more than ${HISTOGRAM_BUCKETS_MAX} buckets`);
  }
  if (indexProblem(spans)) throw malformed('an index of a bucket beyond 32 bits');
  return spans;
}

function readNumber(reader: ByteReader, fractions: boolean): number {
  return fractions ? reader.f64() : reader.uvarint();
}

function readBounds(reader: ByteReader): Float64Array {
  const count = reader.count(8);
  if (count > HISTOGRAM_BUCKETS_MAX) throw malformed(`${count} bounds`);
  const bounds = new Float64Array(count);
  for (let i = 0; i < count; i++) bounds[i] = reader.f64();
  return bounds;
}

/** Whether an index of theirs is not one of 32 bits. */
export function indexProblem(spans: readonly BucketSpan[]): boolean {
  let next = 0;
  for (const { gap, length } of spans) {
    next += gap + length;
    if (Math.abs(next - length) > INDEX_MAX || next > INDEX_MAX) return true;
  }
  return false;
}

function malformed(what: string, cause?: unknown): TidemarkError {
  return new TidemarkError('HISTOGRAM_MALFORMED', `a malformed histogram: ${what}`, {}, cause);
}
