import type { ResetHint } from '@tidemark/model';
import { type Buckets, bucketsOf, type FloatHistogram, haveSameIndexes, NO_BUCKETS } from './float-histogram.ts';
import { aligned } from './layout.ts';

// Sums, differences, multiples of native histograms.

export interface Combined {
  readonly histogram: FloatHistogram;
  /** One of them was a reset, the other was known to be none: of the result nobody knows. */
  readonly conflicting: boolean;
  /** Bounds of their own differed, and only those in both were kept. */
  readonly reconciled: boolean;
}

/** Undefined: one has bounds of its own and the other has not. */
export function addHistograms(left: FloatHistogram, right: FloatHistogram): Combined | undefined {
  return combined(left, right, 1);
}

export function subtractHistograms(left: FloatHistogram, right: FloatHistogram): Combined | undefined {
  return combined(left, right, -1);
}

function combined(first: FloatHistogram, second: FloatHistogram, sign: 1 | -1): Combined | undefined {
  const both = aligned(first, second);
  if (both === undefined) return undefined;
  const { left, right, reconciled } = both;
  const { hint, conflicting } = combinedHint(left.hint, right.hint);
  const histogram: FloatHistogram = {
    schema: left.schema,
    hint,
    zeroThreshold: left.zeroThreshold,
    zeroCount: left.zeroCount + sign * right.zeroCount,
    count: left.count + sign * right.count,
    sum: left.sum + sign * right.sum,
    positive: combinedBuckets(left.positive, right.positive, sign),
    negative: combinedBuckets(left.negative, right.negative, sign),
    bounds: left.bounds,
  };
  return { histogram, conflicting, reconciled };
}

/** Gauge wins over everything, unknown over the rest. */
export function combinedHint(a: ResetHint, b: ResetHint): { hint: ResetHint; conflicting: boolean } {
  if (a === b) return { hint: a, conflicting: false };
  if (a === 'gauge' || b === 'gauge') return { hint: 'gauge', conflicting: false };
  return { hint: 'unknown', conflicting: a !== 'unknown' && b !== 'unknown' };
}

function combinedBuckets(a: Buckets, b: Buckets, sign: 1 | -1): Buckets {
  if (b.counts.length === 0) return a;
  if (haveSameIndexes(a, b)) {
    const counts = new Float64Array(a.counts.length);
    let isFull = true;
    for (let i = 0; i < counts.length; i++) {
      const count = (a.counts[i] as number) + sign * (b.counts[i] as number);
      counts[i] = count;
      if (count === 0) isFull = false;
    }
    return isFull ? { indexes: a.indexes, counts } : bucketsOf(a.indexes, counts);
  }
  return mergedBuckets(a, b, sign);
}

function mergedBuckets(a: Buckets, b: Buckets, sign: 1 | -1): Buckets {
  const most = a.indexes.length + b.indexes.length;
  const indexes = new Int32Array(most);
  const counts = new Float64Array(most);
  let at = 0;
  let i = 0;
  let j = 0;
  while (i < a.indexes.length || j < b.indexes.length) {
    const left = i < a.indexes.length ? (a.indexes[i] as number) : Number.POSITIVE_INFINITY;
    const right = j < b.indexes.length ? (b.indexes[j] as number) : Number.POSITIVE_INFINITY;
    let count = 0;
    if (left <= right) count += a.counts[i++] as number;
    if (right <= left) count += sign * (b.counts[j++] as number);
    indexes[at] = Math.min(left, right);
    counts[at++] = count;
  }
  return bucketsOf(indexes.subarray(0, at), counts.subarray(0, at));
}

export function multiplied(histogram: FloatHistogram, factor: number): FloatHistogram {
  return scaled(histogram, (count) => count * factor, factor < 0);
}

/** By zero nothing is left of the buckets. */
export function divided(histogram: FloatHistogram, by: number): FloatHistogram {
  const result = scaled(histogram, (count) => count / by, by < 0);
  return by === 0 ? { ...result, positive: NO_BUCKETS, negative: NO_BUCKETS } : result;
}

function scaled(histogram: FloatHistogram, of: (count: number) => number, negative: boolean): FloatHistogram {
  const buckets = ({ indexes, counts }: Buckets): Buckets => {
    const out = counts.map(of);
    return out.includes(0) ? bucketsOf(indexes, out) : { indexes, counts: out };
  };
  return {
    ...histogram,
    hint: negative ? 'gauge' : histogram.hint,
    zeroCount: of(histogram.zeroCount),
    count: of(histogram.count),
    sum: of(histogram.sum),
    positive: buckets(histogram.positive),
    negative: buckets(histogram.negative),
  };
}
