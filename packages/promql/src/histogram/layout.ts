import { lowerBound, upperBound } from './bucket-bounds.ts';
import { type Buckets, bucketsOf, type FloatHistogram, hasOwnBounds, NO_BUCKETS } from './float-histogram.ts';

// Bringing histograms to one layout, so that their buckets can be compared and added.
//
//   schemas        to the lower one: 2^k buckets become one
//   zero buckets   to the wider one, and wider still where that would cut a bucket that holds something
//   own bounds     to those that both have

/** The index of a bucket where `from` is reduced to the lower schema `to`. */
export function reducedIndex(index: number, from: number, to: number): number {
  return ((index - 1) >> (from - to)) + 1;
}

/** Buckets under the lower schema `to`. */
export function reduceBuckets(buckets: Buckets, from: number, to: number): Buckets {
  if (from === to || buckets.counts.length === 0) return buckets;
  return regrouped(buckets, (index) => reducedIndex(index, from, to));
}

/** Adds up buckets that come to the same index; `indexOf` never falls. */
function regrouped({ indexes, counts }: Buckets, indexOf: (index: number) => number): Buckets {
  const outIndexes: number[] = [];
  const outCounts: number[] = [];
  for (let i = 0; i < indexes.length; i++) {
    const index = indexOf(indexes[i] as number);
    const last = outIndexes.length - 1;
    if (outIndexes[last] === index) outCounts[last] = (outCounts[last] as number) + (counts[i] as number);
    else {
      outIndexes.push(index);
      outCounts.push(counts[i] as number);
    }
  }
  return bucketsOf(outIndexes, outCounts);
}

export interface ZeroBucket {
  readonly zeroThreshold: number;
  readonly zeroCount: number;
}

/** The zero bucket at a larger threshold; larger still where that lies within a bucket that holds something. */
export function widenedZero(histogram: FloatHistogram, threshold: number): ZeroBucket {
  if (threshold === histogram.zeroThreshold) return histogram;
  let zeroThreshold = threshold;
  for (;;) {
    let zeroCount = histogram.zeroCount;
    let cut: number | undefined;
    for (const { indexes, counts } of [histogram.positive, histogram.negative]) {
      for (let i = 0; i < indexes.length; i++) {
        const index = indexes[i] as number;
        if (lowerBound(histogram, index) >= zeroThreshold) break;
        zeroCount += counts[i] as number;
        const upper = upperBound(histogram, index);
        if (upper > zeroThreshold) cut = Math.max(cut ?? 0, upper);
      }
    }
    if (cut === undefined) return { zeroThreshold, zeroCount };
    zeroThreshold = cut;
  }
}

/** The same with a wider zero bucket. Requires the threshold to be one that `widenedZero` gave. */
export function withZeroBucket(histogram: FloatHistogram, zero: ZeroBucket): FloatHistogram {
  if (zero.zeroThreshold === histogram.zeroThreshold) return histogram;
  const outside = (buckets: Buckets): Buckets => bucketsBeyond(histogram, buckets, zero.zeroThreshold);
  return { ...histogram, ...zero, positive: outside(histogram.positive), negative: outside(histogram.negative) };
}

/** Those that begin at the threshold or above. */
function bucketsBeyond(histogram: FloatHistogram, { indexes, counts }: Buckets, threshold: number): Buckets {
  const from = indexes.findIndex((index) => lowerBound(histogram, index) >= threshold);
  return from < 0 ? NO_BUCKETS : { indexes: indexes.subarray(from), counts: counts.subarray(from) };
}

/** Both with one zero bucket. */
export function withOneZeroBucket(a: FloatHistogram, b: FloatHistogram): [FloatHistogram, FloatHistogram] {
  let zeroA: ZeroBucket = a;
  let zeroB: ZeroBucket = b;
  while (zeroA.zeroThreshold !== zeroB.zeroThreshold) {
    if (zeroA.zeroThreshold > zeroB.zeroThreshold) zeroB = widenedZero(b, zeroA.zeroThreshold);
    else zeroA = widenedZero(a, zeroB.zeroThreshold);
  }
  return [withZeroBucket(a, zeroA), withZeroBucket(b, zeroB)];
}

/** The bounds that both have. */
export function commonBounds(a: Float64Array, b: Float64Array): Float64Array {
  const known = new Set(b);
  return a.filter((bound) => known.has(bound));
}

/** The same under fewer bounds, each of which it has. */
export function withBounds(histogram: FloatHistogram, bounds: Float64Array): FloatHistogram {
  let at = 0;
  const positive = regrouped(histogram.positive, (index) => {
    const upper = upperBound(histogram, index);
    while (at < bounds.length && (bounds[at] as number) < upper) at++;
    return at;
  });
  return { ...histogram, bounds, positive };
}

/** Under the lower schema `to`. Requires exponential buckets. */
export function withSchema(histogram: FloatHistogram, to: number): FloatHistogram {
  if (hasOwnBounds(histogram) || histogram.schema === to) return histogram;
  return {
    ...histogram,
    schema: to,
    positive: reduceBuckets(histogram.positive, histogram.schema, to),
    negative: reduceBuckets(histogram.negative, histogram.schema, to),
  };
}

export interface Aligned {
  readonly left: FloatHistogram;
  readonly right: FloatHistogram;
  /** Bounds of their own differed, and only those in both were kept. */
  readonly reconciled: boolean;
}

/** Both in one layout; undefined where there is none: one has bounds of its own and the other has not. */
export function aligned(left: FloatHistogram, right: FloatHistogram): Aligned | undefined {
  if (hasOwnBounds(left) !== hasOwnBounds(right)) return undefined;
  if (left.bounds !== undefined && right.bounds !== undefined) {
    const bounds = commonBounds(left.bounds, right.bounds);
    if (bounds.length === left.bounds.length && bounds.length === right.bounds.length)
      return { left, right, reconciled: false };
    return { left: withBounds(left, bounds), right: withBounds(right, bounds), reconciled: true };
  }
  const [a, b] = withOneZeroBucket(left, right);
  const schema = Math.min(a.schema, b.schema);
  return { left: withSchema(a, schema), right: withSchema(b, schema), reconciled: false };
}
