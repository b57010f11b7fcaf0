import { ByteWriter } from '@tidemark/base';

// Writes prompb.Histogram messages, for tests.

export interface RequestBuckets {
  readonly spans: readonly (readonly [offset: number, length: number])[];
  /** Absolute. */
  readonly counts: readonly number[];
}

export interface RequestHistogram {
  readonly timestampMs: number;
  /** Written as one of fractions. */
  readonly fractions?: boolean;
  readonly schema: number;
  readonly zeroThreshold?: number;
  readonly zeroCount?: number;
  readonly count: number;
  /** A number, or the bits of one. */
  readonly sum: number | bigint;
  readonly positive?: RequestBuckets;
  readonly negative?: RequestBuckets;
  readonly hint?: number;
  readonly bounds?: readonly number[];
  /** Every number that repeats in a field of its own. */
  readonly unpacked?: boolean;
}

const NONE: RequestBuckets = { spans: [], counts: [] };

export function writeHistogramMessage(histogram: RequestHistogram): Uint8Array {
  const out = new ByteWriter(256);
  const { fractions = false, zeroCount = 0, positive = NONE, negative = NONE, unpacked = false } = histogram;
  if (fractions) double(out, 2, histogram.count);
  else varint(out, 1, BigInt(histogram.count));
  double(out, 3, histogram.sum);
  varint(out, 4, zigzag(histogram.schema));
  double(out, 5, histogram.zeroThreshold ?? 0);
  if (fractions) double(out, 7, zeroCount);
  else varint(out, 6, BigInt(zeroCount));
  side(out, 8, negative, fractions, unpacked);
  side(out, 11, positive, fractions, unpacked);
  varint(out, 14, BigInt(histogram.hint ?? 0));
  varint(out, 15, BigInt.asUintN(64, BigInt(histogram.timestampMs)));
  repeated(out, 16, (histogram.bounds ?? []).map(doubleBytes), 1, unpacked);
  return out.finish();
}

function side(
  out: ByteWriter,
  field: number,
  { spans, counts }: RequestBuckets,
  fractions: boolean,
  unpacked: boolean,
) {
  for (const [offset, length] of spans) {
    const span = new ByteWriter(16);
    if (offset !== 0) varint(span, 1, zigzag(offset));
    if (length !== 0) varint(span, 2, BigInt(length));
    out.uvarint(field * 8 + 2);
    out.lengthPrefixed(span.view());
  }
  if (fractions) repeated(out, field + 2, counts.map(doubleBytes), 1, unpacked);
  else {
    const deltas = counts.map((count, i) => varintBytes(zigzag(count - (counts[i - 1] ?? 0))));
    repeated(out, field + 1, deltas, 0, unpacked);
  }
}

function repeated(out: ByteWriter, field: number, values: readonly Uint8Array[], wire: number, unpacked: boolean) {
  if (values.length === 0) return;
  if (unpacked) {
    for (const value of values) {
      out.uvarint(field * 8 + wire);
      out.raw(value);
    }
    return;
  }
  out.uvarint(field * 8 + 2);
  out.lengthPrefixed(Buffer.concat(values));
}

function zigzag(value: number): bigint {
  const whole = BigInt(value);
  return whole >= 0n ? whole * 2n : whole * -2n - 1n;
}

function varint(out: ByteWriter, field: number, value: bigint): void {
  out.uvarint(field * 8);
  out.raw(varintBytes(value));
}

function varintBytes(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function double(out: ByteWriter, field: number, value: number | bigint): void {
  out.uvarint(field * 8 + 1);
  out.raw(doubleBytes(value));
}

function doubleBytes(value: number | bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  if (typeof value === 'bigint') view.setBigUint64(0, value, true);
  else view.setFloat64(0, value, true);
  return new Uint8Array(view.buffer);
}
