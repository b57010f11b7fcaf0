import {
  expectWire,
  fieldOf,
  isTidemarkError,
  malformedProtobuf,
  type ProtoCursor,
  readInt64,
  readLength,
  readTag,
  readVarint,
  skipField,
  WIRE_BYTES,
  WIRE_FIXED64,
  WIRE_VARINT,
} from '@tidemark/base';
import {
  type BucketSide,
  type BucketSpan,
  encodeHistogram,
  HISTOGRAM_BUCKETS_MAX,
  HISTOGRAM_SUM_AT,
  type HistogramProblem,
  histogramProblem,
  type ResetHint,
  SCHEMA_OWN_BOUNDS,
} from '@tidemark/model';

// A native histogram as remote write 1.0 carries it:
//
//   Histogram   1 count uint64 | 2 count double | 3 sum double | 4 schema sint32 | 5 zero_threshold double
//               | 6 zero_count uint64 | 7 zero_count double | 8 negative span* | 9 negative delta sint64* | 10 negative count double*
//               | 11 positive span* | 12 positive delta sint64* | 13 positive count double* | 14 reset_hint | 15 timestamp int64 (ms)
//               | 16 custom_values double*
//   BucketSpan  1 offset sint32 | 2 length uint32
//
// Which count came last says whether it is one of whole counts, whose buckets are deltas from bucket to bucket, or of fractions, whose
// buckets are counts. Numbers that repeat may be packed or not. Its message may be as bad as it likes: that costs the histogram.

export type HistogramRefusal = HistogramProblem | 'histogram_malformed';

export interface WireHistogram {
  readonly timestampMs: number;
  readonly bytes: Uint8Array;
}

const HINTS: readonly ResetHint[] = ['unknown', 'reset', 'no reset', 'gauge'];

/** Reads the message from the cursor to `end`, where the cursor stands afterwards; or says why it is none. */
export function readHistogram(cursor: ProtoCursor, end: number): WireHistogram | HistogramRefusal {
  const message = new HistogramMessage();
  try {
    while (cursor.at < end) if (!message.read(cursor, end)) return 'histogram_too_large';
    return message.finish();
  } catch (error) {
    if (isTidemarkError(error, 'PROTOBUF_MALFORMED')) return 'histogram_malformed';
    throw error;
  } finally {
    cursor.at = end;
  }
}

class Side {
  readonly spans: BucketSpan[] = [];
  readonly deltas: number[] = [];
  readonly counts: number[] = [];

  get isTooLarge(): boolean {
    return Math.max(this.spans.length, this.deltas.length, this.counts.length) > HISTOGRAM_BUCKETS_MAX;
  }

  buckets(fractions: boolean): BucketSide {
    if (fractions) return { spans: this.spans, counts: Float64Array.from(this.counts) };
    let count = 0;
    return { spans: this.spans, counts: Float64Array.from(this.deltas, (delta) => (count += delta)) };
  }
}

class HistogramMessage {
  #fractions = false;
  #count = 0;
  #zeroCount = 0;
  #zeroThreshold = 0;
  #schema = 0;
  #hint = 0;
  #timestampMs = 0;
  /** As it came: a number in between might lose which NaN it is. */
  #sum: Uint8Array = new Uint8Array(8);
  readonly #negative = new Side();
  readonly #positive = new Side();
  readonly #bounds: number[] = [];

  /** One field. False: there is more than a histogram may have. Throws `PROTOBUF_MALFORMED`. */
  read(cursor: ProtoCursor, end: number): boolean {
    const at = cursor.at;
    const tag = readTag(cursor, end);
    switch (fieldOf(tag)) {
      case 1:
        this.#count = readWhole(cursor, end, tag);
        this.#fractions = false;
        return true;
      case 2:
        this.#count = readDouble(cursor, end, tag);
        this.#fractions = true;
        return true;
      case 3:
        readDouble(cursor, end, tag);
        this.#sum = cursor.bytes.slice(cursor.at - 8, cursor.at);
        return true;
      case 4:
        this.#schema = unzigzag(readWhole(cursor, end, tag));
        return true;
      case 5:
        this.#zeroThreshold = readDouble(cursor, end, tag);
        return true;
      case 6:
        this.#zeroCount = readWhole(cursor, end, tag);
        return true;
      case 7:
        this.#zeroCount = readDouble(cursor, end, tag);
        return true;
      case 8:
        return readSpan(cursor, end, tag, this.#negative);
      case 9:
        return readMany(cursor, end, tag, WIRE_VARINT, this.#negative.deltas);
      case 10:
        return readMany(cursor, end, tag, WIRE_FIXED64, this.#negative.counts);
      case 11:
        return readSpan(cursor, end, tag, this.#positive);
      case 12:
        return readMany(cursor, end, tag, WIRE_VARINT, this.#positive.deltas);
      case 13:
        return readMany(cursor, end, tag, WIRE_FIXED64, this.#positive.counts);
      case 14:
        this.#hint = readWhole(cursor, end, tag);
        return true;
      case 15:
        expectWire(tag, WIRE_VARINT, 'the timestamp of a histogram', at);
        this.#timestampMs = readInt64(cursor, end);
        return true;
      case 16:
        return readMany(cursor, end, tag, WIRE_FIXED64, this.#bounds);
      default:
        skipField(cursor, end, tag);
        return true;
    }
  }

  finish(): WireHistogram | HistogramRefusal {
    const fractions = this.#fractions;
    const histogram = {
      schema: this.#schema,
      hint: HINTS[this.#hint] ?? 'unknown',
      fractions,
      zeroThreshold: this.#zeroThreshold,
      zeroCount: this.#zeroCount,
      count: this.#count,
      sum: new DataView(this.#sum.buffer).getFloat64(0, true),
      positive: this.#positive.buckets(fractions),
      negative: this.#negative.buckets(fractions),
      bounds:
        this.#schema === SCHEMA_OWN_BOUNDS || this.#bounds.length > 0 ? Float64Array.from(this.#bounds) : undefined,
    };
    const problem = histogramProblem(histogram);
    if (problem !== undefined) return problem;
    const bytes = encodeHistogram(histogram);
    bytes.set(this.#sum, HISTOGRAM_SUM_AT);
    return { timestampMs: this.#timestampMs, bytes };
  }
}

/** An unsigned number; above 2^53 it is not exact, and larger than any count may be. */
function readWhole(cursor: ProtoCursor, end: number, tag: number): number {
  expectWire(tag, WIRE_VARINT, 'a number of a histogram', cursor.at);
  return readVarint(cursor, end);
}

function readDouble(cursor: ProtoCursor, end: number, tag: number): number {
  expectWire(tag, WIRE_FIXED64, 'a number of a histogram', cursor.at);
  return nextDouble(cursor, end);
}

function nextDouble(cursor: ProtoCursor, end: number): number {
  if (end - cursor.at < 8) throw malformedProtobuf('a number of a histogram cut off', cursor.at);
  const value = cursor.view.getFloat64(cursor.at, true);
  cursor.at += 8;
  return value;
}

/** What is not exact becomes larger than any count, whose sum with others is refused. */
function unzigzag(value: number): number {
  if (value > Number.MAX_SAFE_INTEGER) return Number.POSITIVE_INFINITY;
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** Numbers that repeat, packed or one of them. */
function readMany(cursor: ProtoCursor, end: number, tag: number, wire: number, into: number[]): boolean {
  const isPacked = (tag & 7) === WIRE_BYTES;
  if (!isPacked) expectWire(tag, wire, 'a number of a histogram', cursor.at);
  const last = isPacked ? readLength(cursor, end) : cursor.at + 1;
  // One that is not packed may be longer than a byte, and still is only one.
  const limit = isPacked ? last : end;
  while (cursor.at < last) {
    if (into.length >= HISTOGRAM_BUCKETS_MAX) return false;
    into.push(wire === WIRE_FIXED64 ? nextDouble(cursor, limit) : unzigzag(readVarint(cursor, limit)));
  }
  return true;
}

function readSpan(cursor: ProtoCursor, end: number, tag: number, into: Side): boolean {
  expectWire(tag, WIRE_BYTES, 'a span of a histogram', cursor.at);
  const spanEnd = readLength(cursor, end);
  let gap = 0;
  let length = 0;
  while (cursor.at < spanEnd) {
    const field = readTag(cursor, spanEnd);
    if (fieldOf(field) === 1) gap = unzigzag(readWhole(cursor, spanEnd, field));
    else if (fieldOf(field) === 2) length = readWhole(cursor, spanEnd, field);
    else skipField(cursor, spanEnd, field);
  }
  into.spans.push({ gap, length });
  return !into.isTooLarge;
}
