import { Sum } from '../function/summation.ts';
import { allBuckets, type BoundedBucket } from './bucket-bounds.ts';
import { type FloatHistogram, hasOwnBounds } from './float-histogram.ts';

// What a native histogram tells of the values it counted: quantiles, shares, deviation.
//
// Inside a bucket of its own bounds, and inside the zero bucket, values are taken to stand evenly; inside an exponential bucket
// evenly by their logarithm. Values that are NaN are counted, but stand in no bucket: where the sum is NaN and the buckets hold
// less than the count, it is said.

export interface Estimate {
  readonly value: number;
  /** NaNs were counted; `result`: the answer would be among them. */
  readonly nans?: 'skewed' | 'result';
}

/** How far into a bucket a value strictly inside it lies, 0 to 1. */
export function fractionBelow({ lower, upper }: BoundedBucket, value: number, linear: boolean): number {
  if (linear) return (value - lower) / (upper - lower);
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  const log = Math.log2(Math.abs(value));
  return value > 0 ? (log - logLower) / (logUpper - logLower) : 1 - (log - logUpper) / (logLower - logUpper);
}

/** The zero bucket of a histogram of only positive values begins at 0, of only negative ones it ends there. */
function narrowedZero(histogram: FloatHistogram, bucket: BoundedBucket): BoundedBucket {
  const positive = histogram.positive.counts.length > 0;
  const negative = histogram.negative.counts.length > 0;
  if (positive && !negative) return { ...bucket, lower: 0 };
  if (negative && !positive) return { ...bucket, upper: 0 };
  return bucket;
}

export function histogramQuantile(q: number, histogram: FloatHistogram): Estimate {
  if (q < 0) return { value: Number.NEGATIVE_INFINITY };
  if (q > 1) return { value: Number.POSITIVE_INFINITY };
  if (histogram.count === 0 || Number.isNaN(q)) return { value: Number.NaN };
  const mayHaveNans = Number.isNaN(histogram.sum);
  const forward = mayHaveNans || q < 0.5;
  const buckets = allBuckets(histogram);
  if (!forward) buckets.reverse();
  const rank = (forward ? q : 1 - q) * histogram.count;
  let count = 0;
  let at = -1;
  while (at < buckets.length - 1 && (at < 0 || count < rank)) count += buckets[++at]?.count ?? 0;
  const found = buckets[at] ?? { lower: 0, upper: 0, count: 0 };
  const own = hasOwnBounds(histogram);
  let bucket = found;
  if (!own && found.lower < 0 && found.upper > 0) bucket = narrowedZero(histogram, found);
  else if (own && found.lower === Number.NEGATIVE_INFINITY) {
    if (found.upper <= 0) return { value: found.upper };
    bucket = { ...found, lower: 0 };
  } else if (own && found.upper === Number.POSITIVE_INFINITY) return { value: found.lower };
  count = Math.min(count, histogram.count);
  if (count < rank) return mayHaveNans ? { value: Number.NaN, nans: 'result' } : { value: bucket.upper };
  const into = forward ? rank - (count - bucket.count) : count - rank;
  const value = valueInside(bucket, into / bucket.count, own);
  return mayHaveNans && countOf(buckets) < histogram.count ? { value, nans: 'skewed' } : { value };
}

function countOf(buckets: readonly BoundedBucket[]): number {
  return buckets.reduce((total, { count }) => total + count, 0);
}

function valueInside({ lower, upper }: BoundedBucket, fraction: number, own: boolean): number {
  if (own || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * fraction;
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  if (lower > 0) return 2 ** (logLower + (logUpper - logLower) * fraction);
  return -(2 ** (logUpper + (logLower - logUpper) * (1 - fraction)));
}

/** The share of values between two. */
export function histogramFraction(lower: number, upper: number, histogram: FloatHistogram): Estimate {
  if (histogram.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return { value: Number.NaN };
  if (lower >= upper) return { value: 0 };
  const buckets = allBuckets(histogram);
  const inBuckets = countOf(buckets);
  const mayHaveNans = Number.isNaN(histogram.sum);
  const most = mayHaveNans ? inBuckets : histogram.count;
  const upperRank = rankOf(histogram, buckets, upper, most);
  const lowerRank = rankOf(histogram, buckets, lower, most);
  const value = (upperRank - lowerRank) / histogram.count;
  return mayHaveNans && inBuckets < histogram.count ? { value, nans: 'skewed' } : { value };
}

/** How many values are below `value`. */
function rankOf(histogram: FloatHistogram, buckets: readonly BoundedBucket[], value: number, most: number): number {
  const own = hasOwnBounds(histogram);
  let rank = 0;
  for (const found of buckets) {
    const zero = found.lower <= 0 && found.upper >= 0;
    const bucket = zero ? narrowedZero(histogram, found) : found;
    if (bucket.lower >= value) break;
    if (bucket.upper > value) {
      // Where a bucket without a beginning is cut, all of it counts as below.
      rank =
        bucket.lower === Number.NEGATIVE_INFINITY
          ? bucket.count
          : rank + bucket.count * fractionBelow(bucket, value, own || zero);
      break;
    }
    rank += bucket.count;
  }
  return Math.min(rank, most);
}

/** As if all values of a bucket stood at its middle. */
export function histogramVariance(histogram: FloatHistogram): number {
  const mean = histogram.sum / histogram.count;
  const own = hasOwnBounds(histogram);
  const variance = new Sum();
  for (const { lower, upper, count } of allBuckets(histogram)) {
    const delta = middleOf(lower, upper, own) - mean;
    variance.add(count * delta * delta);
  }
  return variance.total / histogram.count;
}

function middleOf(lower: number, upper: number, own: boolean): number {
  if (own) return (upper + lower) / 2;
  if (lower <= 0 && upper >= 0) return 0;
  const middle = Math.sqrt(upper * lower);
  return upper < 0 ? -middle : middle;
}
