import type { TrimOperator } from '../language/ast.ts';
import { type BoundedBucket, lowerBound, upperBound } from './bucket-bounds.ts';
import { fractionBelow } from './estimate.ts';
import { type Buckets, bucketsOf, type FloatHistogram, hasOwnBounds } from './float-histogram.ts';

// `h </ x` keeps what is below x, `h >/ x` what is above. A bucket that x cuts keeps its share, as quantiles take values to stand;
// the new sum is estimated from the middles of what is kept. Nothing trimmed: the histogram stays as it is.

/** Of one bucket what is kept, and where its middle is. */
interface Kept {
  readonly count: number;
  readonly middle: number;
}

export function trimmed(histogram: FloatHistogram, at: number, operator: TrimOperator): FloatHistogram {
  const keepsBelow = operator === '</';
  const own = hasOwnBounds(histogram);
  let count = 0;
  let sum = 0;
  let changed = false;
  const take = (before: number, kept: Kept): number => {
    count += kept.count;
    sum += kept.middle * kept.count;
    if (kept.count !== before) changed = true;
    return kept.count;
  };
  const side = ({ indexes, counts }: Buckets, positive: boolean): Buckets => {
    const left = Array.from(counts, (held, i) => {
      const index = indexes[i] as number;
      const near = lowerBound(histogram, index);
      const far = upperBound(histogram, index);
      const bucket = { lower: positive ? near : -far, upper: positive ? far : -near, count: held };
      return take(held, keptOf(bucket, at, { keepsBelow, positive, own }));
    });
    return bucketsOf(indexes, left);
  };
  const positive = side(histogram.positive, true);
  const negative = side(histogram.negative, false);
  let { zeroCount } = histogram;
  if (zeroCount > 0) zeroCount = take(zeroCount, keptOfZero(histogram, at, keepsBelow));
  return changed ? { ...histogram, count, sum, zeroCount, positive, negative } : histogram;
}

interface Trim {
  readonly keepsBelow: boolean;
  readonly positive: boolean;
  readonly own: boolean;
}

function keptOf(bucket: BoundedBucket, at: number, trim: Trim): Kept {
  const { lower, upper, count } = bucket;
  const { keepsBelow, positive, own } = trim;
  const whole = keepsBelow ? upper <= at : lower >= at;
  if (whole) return { count, middle: middleOf(lower, upper, positive, own) };
  const cut = keepsBelow ? lower < at : upper > at;
  if (!cut) return { count: 0, middle: 0 };
  if (lower === Number.NEGATIVE_INFINITY || upper === Number.POSITIVE_INFINITY)
    return keptOfEndless(bucket, at, keepsBelow);
  const below = at <= lower ? 0 : at >= upper ? count : count * fractionBelow(bucket, at, own);
  return keepsBelow
    ? { count: below, middle: middleOf(lower, at, positive, own) }
    : { count: count - below, middle: middleOf(at, upper, positive, own) };
}

/** Of a cut bucket without an end on one side nobody knows where its values stand; one that ends above 0 is taken to begin there. */
function keptOfEndless({ lower, upper, count }: BoundedBucket, at: number, keepsBelow: boolean): Kept {
  if (lower === Number.NEGATIVE_INFINITY) {
    const bounded = upper > 0 && upper !== Number.POSITIVE_INFINITY;
    if (keepsBelow) {
      if (at > 0 && bounded) return { count: (count * at) / upper, middle: at / 2 };
      return upper <= 0 ? { count, middle: at } : { count: 0, middle: 0 };
    }
    if (at <= lower) return { count, middle: 0 };
    if (at >= 0 && upper > at && bounded) return { count: count * (1 - at / upper), middle: (at + upper) / 2 };
    return { count: 0, middle: 0 };
  }
  return keepsBelow || at < lower ? { count: 0, middle: 0 } : { count, middle: at };
}

function keptOfZero(histogram: FloatHistogram, at: number, keepsBelow: boolean): Kept {
  const { zeroThreshold, zeroCount: count } = histogram;
  const hasPositive = histogram.positive.counts.length > 0;
  const hasNegative = histogram.negative.counts.length > 0;
  const lower = hasPositive && !hasNegative ? 0 : -zeroThreshold;
  const upper = hasNegative && !hasPositive ? 0 : zeroThreshold;
  const none = { count: 0, middle: 0 };
  const whole = { count, middle: (lower + upper) / 2 };
  if (at <= lower) return keepsBelow ? none : whole;
  if (at >= upper) return keepsBelow ? whole : none;
  const below = (at - lower) / (upper - lower);
  return keepsBelow
    ? { count: count * below, middle: (lower + at) / 2 }
    : { count: count * ((upper - at) / (upper - lower)), middle: (at + upper) / 2 };
}

function middleOf(lower: number, upper: number, positive: boolean, own: boolean): number {
  if (!Number.isFinite(lower)) {
    if (!Number.isFinite(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (!Number.isFinite(upper)) return lower;
  if (own) return (lower + upper) / 2;
  const middle = Math.sqrt(Math.abs(lower * upper));
  return positive ? middle : -middle;
}
