// A classic histogram at one moment: cumulative counts by upper bound, the last of them +Inf.
//
//   count   0    3      8         10
//           ├────┼──────┼──────────┤        a quantile is found by walking to its rank and going on in a straight line
//   bound      0.1    0.5        +Inf       inside the bucket it falls in

export interface Bucket {
  readonly upperBound: number;
  count: number;
}

export interface BucketQuantile {
  readonly value: number;
  /** Counts fell from one bucket to the next by more than rounding, and were lifted. */
  readonly forced: boolean;
}

// Differences below are rounding: sums of floats in different orders. Prometheus' figure.
const TOLERANCE = 1e-12;
const SMALLEST_NORMAL = 2.2250738585072014e-308;

/** Sorted by bound, buckets of one bound added together; undefined when there is no +Inf bucket at the end. */
export function orderBuckets(buckets: Bucket[]): Bucket[] | undefined {
  buckets.sort((a, b) => a.upperBound - b.upperBound || 0);
  if (buckets[buckets.length - 1]?.upperBound !== Number.POSITIVE_INFINITY) return undefined;
  const out: Bucket[] = [];
  for (const bucket of buckets) {
    const last = out[out.length - 1];
    if (last && last.upperBound === bucket.upperBound) last.count += bucket.count;
    else out.push({ ...bucket });
  }
  return out;
}

function nearlyEqual(a: number, b: number): boolean {
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < SMALLEST_NORMAL) return difference < TOLERANCE * SMALLEST_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < TOLERANCE;
}

/** Lifts counts that are lower than the one before. Returns whether any was lower by more than rounding. */
export function makeMonotonic(buckets: Bucket[]): boolean {
  let forced = false;
  let before = buckets[0]?.count ?? 0;
  for (const bucket of buckets.slice(1)) {
    if (bucket.count === before) continue;
    if (nearlyEqual(before, bucket.count)) bucket.count = before;
    else if (bucket.count < before) {
      bucket.count = before;
      forced = true;
    } else before = bucket.count;
  }
  return forced;
}

/** Changes `unordered`. */
export function bucketQuantile(q: number, unordered: Bucket[]): BucketQuantile {
  const nothing = { value: Number.NaN, forced: false };
  if (Number.isNaN(q)) return nothing;
  if (q < 0) return { value: Number.NEGATIVE_INFINITY, forced: false };
  if (q > 1) return { value: Number.POSITIVE_INFINITY, forced: false };
  const buckets = orderBuckets(unordered);
  if (!buckets) return nothing;
  const forced = makeMonotonic(buckets);
  const last = buckets.length - 1;
  const observations = (buckets[last] as Bucket).count;
  if (last < 1 || observations === 0) return { value: Number.NaN, forced };
  return { value: interpolate(q * observations, buckets, last), forced };
}

function interpolate(rank: number, buckets: readonly Bucket[], last: number): number {
  let at = 0;
  while (at < last && !((buckets[at] as Bucket).count >= rank)) at++;
  if (at === last) return (buckets[last - 1] as Bucket).upperBound;
  const { upperBound, count } = buckets[at] as Bucket;
  if (at === 0) return upperBound <= 0 ? upperBound : upperBound * (rank / count);
  const below = buckets[at - 1] as Bucket;
  return below.upperBound + (upperBound - below.upperBound) * ((rank - below.count) / (count - below.count));
}

/** The share of observations between two values, by the same straight lines. Changes `unordered`. */
export function bucketFraction(lower: number, upper: number, unordered: Bucket[]): number {
  const buckets = orderBuckets(unordered);
  if (!buckets) return Number.NaN;
  makeMonotonic(buckets);
  const total = (buckets[buckets.length - 1] as Bucket).count;
  if (total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  return (countBelow(upper, buckets, total) - countBelow(lower, buckets, total)) / total;
}

function countBelow(value: number, buckets: readonly Bucket[], total: number): number {
  let before = 0;
  // The first bucket begins at 0 when it holds positive values, and below everything when it does not.
  let start = (buckets[0] as Bucket).upperBound > 0 ? 0 : Number.NEGATIVE_INFINITY;
  for (const { upperBound, count } of buckets) {
    if (value <= start) return before;
    if (value < upperBound) {
      // A bucket without an end has no line: everything in it may be beyond the value.
      if (upperBound === Number.POSITIVE_INFINITY) return before;
      if (start === Number.NEGATIVE_INFINITY) return count;
      return before + (count - before) * ((value - start) / (upperBound - start));
    }
    before = count;
    start = upperBound;
  }
  return total;
}
