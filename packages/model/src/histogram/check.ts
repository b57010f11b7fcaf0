import { isStale } from '../stale.ts';
import { HISTOGRAM_BUCKETS_MAX, indexProblem } from './codec.ts';
import {
  type BucketSide,
  type NativeHistogram,
  SCHEMA_LEAST,
  SCHEMA_MOST,
  SCHEMA_OWN_BOUNDS,
} from './native-histogram.ts';

// What a histogram must be before it is let in. Whatever is stored has passed this; readers need not ask again.

/** Stable: label values of counters. */
export type HistogramProblem =
  | 'histogram_schema'
  | 'histogram_spans'
  | 'histogram_too_large'
  | 'histogram_counts'
  | 'histogram_bounds';

/** What is wrong with it; undefined: nothing. */
export function histogramProblem(histogram: NativeHistogram): HistogramProblem | undefined {
  const { schema, positive, negative, bounds } = histogram;
  if (schema !== SCHEMA_OWN_BOUNDS && !(schema >= SCHEMA_LEAST && schema <= SCHEMA_MOST && Number.isInteger(schema)))
    return 'histogram_schema';
  if (positive.counts.length + negative.counts.length > HISTOGRAM_BUCKETS_MAX) return 'histogram_too_large';
  if ((bounds?.length ?? 0) > HISTOGRAM_BUCKETS_MAX) return 'histogram_too_large';
  if (hasBadSpans(positive) || hasBadSpans(negative)) return 'histogram_spans';
  if (hasBadCounts(histogram)) return 'histogram_counts';
  return hasBadBounds(histogram) ? 'histogram_bounds' : undefined;
}

function hasBadSpans({ spans, counts }: BucketSide): boolean {
  const buckets = spans.reduce((sum, { length }) => sum + length, 0);
  return buckets !== counts.length || indexProblem(spans) || spans.some(({ gap }, i) => i > 0 && gap < 0);
}

/**
 * Whole counts are what was observed: the count is that of all buckets, or more where NaN was observed, which no bucket has.
 * Fractions may be rounded, and need only not be below zero.
 */
function hasBadCounts({ fractions, count, zeroCount, sum, positive, negative }: NativeHistogram): boolean {
  let buckets = zeroCount;
  for (const { counts } of [positive, negative]) {
    for (const one of counts) {
      if (one < 0) return true;
      buckets += one;
    }
  }
  if (count < 0 || zeroCount < 0) return true;
  if (fractions) return false;
  if (!(count <= Number.MAX_SAFE_INTEGER) || !(buckets <= Number.MAX_SAFE_INTEGER)) return true;
  if (isStale(sum)) return false;
  return Number.isNaN(sum) ? buckets > count : buckets !== count;
}

function hasBadBounds({ schema, bounds, positive, negative, zeroCount, zeroThreshold }: NativeHistogram): boolean {
  if (schema !== SCHEMA_OWN_BOUNDS) return bounds !== undefined || !(zeroThreshold >= 0);
  if (bounds === undefined || negative.counts.length > 0 || zeroCount !== 0 || zeroThreshold !== 0) return true;
  let before = Number.NEGATIVE_INFINITY;
  for (const bound of bounds) {
    if (!(bound > before && bound < Number.POSITIVE_INFINITY)) return true;
    before = bound;
  }
  // One more than bounds: the last has everything above.
  let end = 0;
  for (const { gap, length } of positive.spans) {
    if (end + gap < 0) return true;
    end += gap + length;
  }
  return end > bounds.length + 1;
}
