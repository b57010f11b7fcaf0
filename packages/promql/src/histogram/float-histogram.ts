import { type BucketSide, type NativeHistogram, type ResetHint, SCHEMA_OWN_BOUNDS } from '@tidemark/model';

// A native histogram as the engine computes with it: only the buckets that hold something, by index.
//
//   spans (gap 2, length 3) (gap 1, length 1), counts 4 0 1 7   ──▶   indexes 2 4 6
//                                                                     counts  4 1 7
//
// So two histograms of the same content are the same, whatever their spans were, and nothing has to be compacted. Never changed
// after it was made: values share them.

export interface Buckets {
  /** Rising. */
  readonly indexes: Int32Array;
  /** None is zero. */
  readonly counts: Float64Array;
}

export interface FloatHistogram {
  /** -4 to 8, or SCHEMA_OWN_BOUNDS. */
  readonly schema: number;
  readonly hint: ResetHint;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly positive: Buckets;
  /** By absolute value. */
  readonly negative: Buckets;
  /** Upper bounds without +Inf, with SCHEMA_OWN_BOUNDS. */
  readonly bounds: Float64Array | undefined;
}

export const NO_BUCKETS: Buckets = { indexes: new Int32Array(0), counts: new Float64Array(0) };

export function hasOwnBounds({ schema }: Pick<FloatHistogram, 'schema'>): boolean {
  return schema === SCHEMA_OWN_BOUNDS;
}

/** Buckets in any number, rising by index; those of nothing are left out. */
export function bucketsOf(indexes: ArrayLike<number>, counts: ArrayLike<number>): Buckets {
  const { length } = indexes;
  let kept = 0;
  for (let i = 0; i < length; i++) if (counts[i] !== 0) kept++;
  if (kept === 0) return NO_BUCKETS;
  const out = { indexes: new Int32Array(kept), counts: new Float64Array(kept) };
  for (let i = 0, at = 0; at < kept; i++) {
    if (counts[i] === 0) continue;
    out.indexes[at] = indexes[i] as number;
    out.counts[at++] = counts[i] as number;
  }
  return out;
}

/** Whether both have the same buckets, whatever is in them. */
export function haveSameIndexes(a: Buckets, b: Buckets): boolean {
  if (a.indexes === b.indexes) return true;
  const { length } = a.indexes;
  if (length !== b.indexes.length) return false;
  for (let i = 0; i < length; i++) if (a.indexes[i] !== b.indexes[i]) return false;
  return true;
}

/** `before`: of the same series, the one before: indexes that are the same are held once. */
export function fromNative(native: NativeHistogram, before?: FloatHistogram): FloatHistogram {
  const { schema, hint, zeroThreshold, zeroCount, count, sum, bounds } = native;
  return {
    schema,
    hint,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    positive: likeBefore(bucketsOfSide(native.positive), before?.positive),
    negative: likeBefore(bucketsOfSide(native.negative), before?.negative),
    bounds,
  };
}

function likeBefore(buckets: Buckets, before: Buckets | undefined): Buckets {
  if (before === undefined || !haveSameIndexes(buckets, before)) return buckets;
  return { indexes: before.indexes, counts: buckets.counts };
}

function bucketsOfSide({ spans, counts }: BucketSide): Buckets {
  let kept = 0;
  for (let i = 0; i < counts.length; i++) if (counts[i] !== 0) kept++;
  if (kept === 0) return NO_BUCKETS;
  const out = { indexes: new Int32Array(kept), counts: new Float64Array(kept) };
  let index = 0;
  let at = 0;
  let next = 0;
  for (const { gap, length } of spans) {
    index += gap;
    for (let i = 0; i < length; i++, index++) {
      const count = counts[next++] as number;
      if (count === 0) continue;
      out.indexes[at] = index;
      out.counts[at++] = count;
    }
  }
  return out;
}

export function toNative(histogram: FloatHistogram): NativeHistogram {
  const { positive, negative, ...others } = histogram;
  return { ...others, fractions: true, positive: sideOf(positive), negative: sideOf(negative) };
}

function sideOf({ indexes, counts }: Buckets): BucketSide {
  const spans: { gap: number; length: number }[] = [];
  let next = 0;
  for (const index of indexes) {
    const last = spans[spans.length - 1];
    if (last !== undefined && index === next) last.length++;
    else spans.push({ gap: index - next, length: 1 });
    next = index + 1;
  }
  return { spans, counts };
}

export function withHint(histogram: FloatHistogram, hint: ResetHint): FloatHistogram {
  return histogram.hint === hint ? histogram : { ...histogram, hint };
}

/** Slots of memory, as samples are counted: one for every bucket, and six for the rest. */
export function slotsOfHistogram({ positive, negative }: FloatHistogram): number {
  return 6 + positive.counts.length + negative.counts.length;
}

/** Whether both say the same, bit for bit; what they say of resets apart. */
export function isSameHistogram(a: FloatHistogram, b: FloatHistogram): boolean {
  return (
    a.schema === b.schema &&
    Object.is(a.count, b.count) &&
    Object.is(a.sum, b.sum) &&
    a.zeroThreshold === b.zeroThreshold &&
    Object.is(a.zeroCount, b.zeroCount) &&
    areSameBounds(a.bounds, b.bounds) &&
    areSameBuckets(a.positive, b.positive) &&
    areSameBuckets(a.negative, b.negative)
  );
}

export function areSameBounds(a: Float64Array | undefined, b: Float64Array | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  return a.every((bound, i) => bound === b[i]);
}

function areSameBuckets(a: Buckets, b: Buckets): boolean {
  if (a.counts.length !== b.counts.length) return false;
  return a.counts.every((count, i) => Object.is(count, b.counts[i]) && a.indexes[i] === b.indexes[i]);
}
