import { type BucketSide, isStale, type NativeHistogram, SCHEMA_OWN_BOUNDS } from '@tidemark/model';
import { BitWriter } from './bit-writer.ts';
import { writeCount, writeWhole, XorNumbers } from './numbers.ts';

// A run of native histograms as Prometheus' chunk of type float histogram (its tsdb/docs/format/chunks.md):
//
//   chunk  := samples u16be | flags u8 | layout | sample*, filled up to a whole byte
//   layout := zero threshold | schema whole | spans (positive) | spans (negative) | bounds, with bounds of its own only
//   first  := time whole | count[64] | zero count[64] | sum[64] | bucket[64]*           positive ones, then negative ones
//   later  := delta of the delta whole | count xor | zero count xor | sum xor | bucket xor*
//
// All of a run have one layout, and none is less than the one before in anything, unless they are gauges: readers take it
// that there is no reset inside a chunk. A stale marker has no buckets and is a run of its own.

export const FLOAT_HISTOGRAM_ENCODING = 3;

const FLAGS = { unknown: 0, 'no reset': 0, reset: 0b1000_0000, gauge: 0b1100_0000 } as const;
const NO_BUCKETS: BucketSide = { spans: [], counts: new Float64Array(0) };
const BITS = new DataView(new ArrayBuffer(8));
const out = new BitWriter();

/** At least one. Requires: each `continuesRun` the one before. */
export function histogramChunk(timesMs: readonly number[], histograms: readonly NativeHistogram[]): Uint8Array {
  const first = withoutWhatIsStale(histograms[0] as NativeHistogram);
  out.reset();
  out.bits(histograms.length, 16);
  out.bits(FLAGS[first.hint], 8);
  writeLayout(first);
  let before = timesMs[0] as number;
  let delta = 0;
  writeWhole(out, before);
  const columns = numbersOf(first).map((value) => {
    const [high, low] = halves(value);
    out.bits64(high, low, 64);
    return new XorNumbers(high, low);
  });
  for (let i = 1; i < histograms.length; i++) {
    const time = timesMs[i] as number;
    writeWhole(out, time - before - delta);
    delta = time - before;
    before = time;
    for (const [k, value] of numbersOf(histograms[i] as NativeHistogram).entries()) {
      const [high, low] = halves(value);
      (columns[k] as XorNumbers).write(out, high, low);
    }
  }
  return out.finish();
}

/** Whether `next` may stand behind `before` in one chunk. */
export function continuesRun(before: NativeHistogram, next: NativeHistogram): boolean {
  if (isStale(before.sum) || isStale(next.sum)) return false;
  const sameLayout =
    before.schema === next.schema &&
    before.zeroThreshold === next.zeroThreshold &&
    sameSpans(before.positive, next.positive) &&
    sameSpans(before.negative, next.negative) &&
    sameNumbers(before.bounds, next.bounds);
  if (!sameLayout || (before.hint === 'gauge') !== (next.hint === 'gauge') || next.hint === 'reset') return false;
  if (next.hint === 'gauge') return true;
  return (
    next.count >= before.count &&
    next.zeroCount >= before.zeroCount &&
    noneLess(before.positive.counts, next.positive.counts) &&
    noneLess(before.negative.counts, next.negative.counts)
  );
}

function withoutWhatIsStale(histogram: NativeHistogram): NativeHistogram {
  if (!isStale(histogram.sum)) return histogram;
  const empty = { schema: 0, zeroThreshold: 0, zeroCount: 0, count: 0, bounds: undefined };
  return { ...histogram, ...empty, positive: NO_BUCKETS, negative: NO_BUCKETS };
}

function numbersOf({ count, zeroCount, sum, positive, negative }: NativeHistogram): readonly number[] {
  return [count, zeroCount, sum, ...positive.counts, ...negative.counts];
}

function halves(value: number): readonly [high: number, low: number] {
  BITS.setFloat64(0, value);
  return [BITS.getUint32(0), BITS.getUint32(4)];
}

function writeLayout({ zeroThreshold, schema, positive, negative, bounds }: NativeHistogram): void {
  writeZeroThreshold(zeroThreshold);
  writeWhole(out, schema);
  for (const { spans } of [positive, negative]) {
    writeCount(out, spans.length);
    for (const { gap, length } of spans) {
      writeCount(out, length);
      writeWhole(out, gap);
    }
  }
  if (schema !== SCHEMA_OWN_BOUNDS) return;
  writeCount(out, bounds?.length ?? 0);
  for (const bound of bounds ?? []) writeBound(bound);
}

/** 0; a power of two from 2^-243 to 2^10 as a byte; else 255 and the bits. */
function writeZeroThreshold(value: number): void {
  if (value === 0) return void out.bits(0, 8);
  const [high, low] = halves(value);
  const exponent = ((high >>> 20) & 0x7ff) - 1023;
  if (value > 0 && (high & 0xf_ffff) === 0 && low === 0 && exponent >= -243 && exponent <= 10) {
    return void out.bits(exponent + 244, 8);
  }
  out.bits(255, 8);
  out.bits64(high, low, 64);
}

// The largest whole number that 25 bits hold, less the one that is added.
const THOUSANDTHS_MOST = 33_554_430;

/** A multiple of a thousandth as that many and one; else a zero and the bits. */
function writeBound(bound: number): void {
  const thousandths = Math.round(bound * 1000);
  if (bound >= 0 && bound * 1000 <= THOUSANDTHS_MOST && thousandths / 1000 === bound && !Object.is(bound, -0)) {
    return void writeCount(out, thousandths + 1);
  }
  const [high, low] = halves(bound);
  out.bits(0, 1);
  out.bits64(high, low, 64);
}

function sameSpans(a: BucketSide, b: BucketSide): boolean {
  return (
    a.spans.length === b.spans.length &&
    a.spans.every(({ gap, length }, i) => gap === b.spans[i]?.gap && length === b.spans[i]?.length)
  );
}

function sameNumbers(a: Float64Array | undefined, b: Float64Array | undefined): boolean {
  return a === b || (a?.length === b?.length && (a ?? []).every((value, i) => value === b?.[i]));
}

function noneLess(before: Float64Array, next: Float64Array): boolean {
  return next.every((count, i) => count >= (before[i] as number));
}
