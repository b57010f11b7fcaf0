import { type Buckets, type FloatHistogram, hasOwnBounds } from './float-histogram.ts';

// Where the buckets of a native histogram begin and end.
//
//   negative            zero                positive
//   [-4,-2) [-2,-1)  [-0.1,0.1]  (0.1,1] (1,2] (2,4]       exponential, schema 0; the bucket next to zero is cut at its threshold
//                                (-Inf,5] (5,10] (10,+Inf)  bounds of its own

export interface BoundedBucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** The upper bound of an exponential bucket by its index: 2^(index / 2^schema). */
export function exponentialBound(index: number, schema: number): number {
  const exponent = index / 2 ** schema;
  // The last bucket of finite values ends at the largest of them; the next one is that of the infinite.
  if (exponent === 1024) return Number.MAX_VALUE;
  // In two parts, so that whole powers are exact.
  const whole = Math.floor(exponent);
  return 2 ** whole * 2 ** (exponent - whole);
}

/** The upper bound by absolute value. */
export function upperBound({ schema, bounds }: Pick<FloatHistogram, 'schema' | 'bounds'>, index: number): number {
  if (bounds === undefined) return exponentialBound(index, schema);
  return index < bounds.length ? (bounds[index] as number) : Number.POSITIVE_INFINITY;
}

export function lowerBound({ schema, bounds }: Pick<FloatHistogram, 'schema' | 'bounds'>, index: number): number {
  if (bounds === undefined) return exponentialBound(index - 1, schema);
  return index === 0 ? Number.NEGATIVE_INFINITY : (bounds[index - 1] as number);
}

/** Buckets of one side that hold something, by absolute value. */
export function sideBuckets(histogram: FloatHistogram, { indexes, counts }: Buckets): BoundedBucket[] {
  return Array.from(indexes, (index, i) => ({
    lower: lowerBound(histogram, index),
    upper: upperBound(histogram, index),
    count: counts[i] as number,
  }));
}

function mirrored({ lower, upper, count }: BoundedBucket): BoundedBucket {
  return { lower: -upper, upper: -lower, count };
}

/** All that hold something, from the least to the greatest. */
export function allBuckets(histogram: FloatHistogram): BoundedBucket[] {
  const { zeroThreshold, zeroCount } = histogram;
  const positive = sideBuckets(histogram, histogram.positive);
  if (hasOwnBounds(histogram)) return positive;
  const cut = (bucket: BoundedBucket): BoundedBucket =>
    bucket.lower < zeroThreshold && bucket.lower > 0 ? { ...bucket, lower: zeroThreshold } : bucket;
  const negative = sideBuckets(histogram, histogram.negative)
    .map((bucket) => mirrored(cut(bucket)))
    .reverse();
  const zero = zeroCount > 0 ? [{ lower: -zeroThreshold, upper: zeroThreshold, count: zeroCount }] : [];
  return [...negative, ...zero, ...positive.map(cut)];
}

/** Which ends a bucket has inside: neither is `open`. Numbers are Prometheus' in its answers. */
export const BOUNDARY_RULES = { openLower: 0, openUpper: 1, open: 2, closed: 3 } as const;

export interface RuledBucket extends BoundedBucket {
  /** Of BOUNDARY_RULES. */
  readonly rule: number;
}

/** Buckets as answers show them: from the least to the greatest, none of nothing. */
export function ruledBuckets(histogram: FloatHistogram): RuledBucket[] {
  const own = hasOwnBounds(histogram);
  return allBuckets(histogram).map((bucket) => {
    const withLower = own ? bucket.lower === Number.NEGATIVE_INFINITY : bucket.lower < 0;
    const withUpper = own || bucket.upper > 0;
    const rule = withLower
      ? withUpper
        ? BOUNDARY_RULES.closed
        : BOUNDARY_RULES.openUpper
      : withUpper
        ? BOUNDARY_RULES.openLower
        : BOUNDARY_RULES.open;
    return { ...bucket, rule };
  });
}
