// A native histogram as readers see it: absolute counts of buckets whose boundaries follow from a schema. As in Prometheus:
// exponential buckets of schema s have the upper bounds 2^(i / 2^s), i the index of the bucket; schema -53 brings bounds of its own.
//
//   side      spans  (gap 2, length 3) (gap 1, length 1)
//             index    2 3 4             6                    the first gap is the index of the first bucket, a later one the
//             counts   a b c             d                    distance from the bucket before it
//
// Counts are doubles in every histogram; those of whole counts are whole, and exact below 2^53.

/** Bounds of its own (custom buckets). */
export const SCHEMA_OWN_BOUNDS = -53;
export const SCHEMA_LEAST = -4;
export const SCHEMA_MOST = 8;

export type ResetHint = 'unknown' | 'reset' | 'no reset' | 'gauge';

export interface BucketSpan {
  /** Of the first span: the index of its first bucket. Of another: so many buckets are left out before it. */
  readonly gap: number;
  readonly length: number;
}

export interface BucketSide {
  readonly spans: readonly BucketSpan[];
  /** Absolute, one for each bucket of the spans. */
  readonly counts: Float64Array;
}

export interface NativeHistogram {
  /** -4 to 8, or SCHEMA_OWN_BOUNDS. */
  readonly schema: number;
  readonly hint: ResetHint;
  /** Whether counts may be fractions: of a rate, or sent as such. */
  readonly fractions: boolean;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  /** The stale marker's NaN in a histogram that is one. */
  readonly sum: number;
  readonly positive: BucketSide;
  /** Below zero, by absolute value; empty with bounds of its own. */
  readonly negative: BucketSide;
  /** Upper bounds, rising, without +Inf: with SCHEMA_OWN_BOUNDS only. */
  readonly bounds: Float64Array | undefined;
}

/** Those among a series' samples that are native histograms. */
export interface SelectedHistograms {
  /** Entry of the series' columns, rising; its value there is NaN and means nothing. */
  readonly entries: Uint32Array;
  readonly histograms: readonly NativeHistogram[];
}
