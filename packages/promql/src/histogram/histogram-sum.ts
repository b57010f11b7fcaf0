import type { ResetHint } from '@tidemark/model';
import { Mean, Sum } from '../function/summation.ts';
import { combinedHint, divided } from './arithmetic.ts';
import { type Buckets, bucketsOf, type FloatHistogram, hasOwnBounds, haveSameIndexes } from './float-histogram.ts';
import { commonBounds, widenedZero, withBounds, withSchema, withZeroBucket } from './layout.ts';

// The sum and the mean of many native histograms: every count is summed as floats are, with what rounding loses kept
// (function/summation.ts). The layout that holds them all is found first, so each histogram is brought to it once.

export interface Total {
  /** Undefined: some have bounds of their own and others have not. */
  readonly histogram: FloatHistogram | undefined;
  /** The first that did not fit those before it; undefined: all do. */
  readonly misfit: number | undefined;
  /** Some are resets, others are known to be none. */
  readonly conflicting: boolean;
  readonly reconciled: boolean;
}

/** Requires at least one. */
export function totalOf(histograms: readonly FloatHistogram[], mean = false): Total {
  const [first] = histograms as readonly [FloatHistogram];
  const conflicting =
    histograms.some(({ hint }) => hint === 'reset') && histograms.some(({ hint }) => hint === 'no reset');
  const misfit = histograms.findIndex((one) => hasOwnBounds(one) !== hasOwnBounds(first));
  if (misfit >= 0) return { histogram: undefined, misfit, conflicting, reconciled: false };
  const { list, reconciled } = inOneLayout(histograms);
  return { histogram: mean ? meanOf(list) : sumOf(list), misfit: undefined, conflicting, reconciled };
}

function inOneLayout(histograms: readonly FloatHistogram[]): { list: readonly FloatHistogram[]; reconciled: boolean } {
  const [first] = histograms as readonly [FloatHistogram];
  if (histograms.length === 1) return { list: histograms, reconciled: false };
  if (first.bounds !== undefined) {
    let common = first.bounds;
    let reconciled = false;
    for (const { bounds } of histograms) {
      const both = commonBounds(common, bounds as Float64Array);
      if (both.length !== common.length || both.length !== bounds?.length) reconciled = true;
      common = both;
    }
    return { list: reconciled ? histograms.map((one) => withBounds(one, common)) : histograms, reconciled };
  }
  const schema = Math.min(...histograms.map((one) => one.schema));
  const threshold = commonThreshold(histograms);
  const list = histograms.map((one) => withSchema(withZeroBucket(one, widenedZero(one, threshold)), schema));
  return { list, reconciled: false };
}

/** The least threshold that cuts no bucket of any of them. */
function commonThreshold(histograms: readonly FloatHistogram[]): number {
  let threshold = Math.max(...histograms.map((one) => one.zeroThreshold));
  for (let before = -1; before !== threshold; ) {
    before = threshold;
    for (const one of histograms) threshold = widenedZero(one, threshold).zeroThreshold;
  }
  return threshold;
}

function sumOf(list: readonly FloatHistogram[]): FloatHistogram {
  const [first] = list as readonly [FloatHistogram];
  if (list.length === 1) return first;
  return {
    schema: first.schema,
    hint: list.reduce<ResetHint>((hint, one) => combinedHint(hint, one.hint).hint, first.hint),
    zeroThreshold: first.zeroThreshold,
    zeroCount: summed(list, ({ zeroCount }) => zeroCount),
    count: summed(list, ({ count }) => count),
    sum: summed(list, ({ sum }) => sum),
    positive: summedBuckets(list, 'positive'),
    negative: summedBuckets(list, 'negative'),
    bounds: first.bounds,
  };
}

function summed(list: readonly FloatHistogram[], of: (one: FloatHistogram) => number): number {
  const total = new Sum();
  for (const one of list) total.add(of(one));
  return total.total;
}

type Side = 'positive' | 'negative';

function summedBuckets(list: readonly FloatHistogram[], side: Side): Buckets {
  const [first] = list as readonly [FloatHistogram];
  const isOne = list.every((one) => haveSameIndexes(one[side], first[side]));
  const indexes = isOne ? first[side].indexes : allIndexes(list, side);
  const sums = new Float64Array(indexes.length);
  const lost = new Float64Array(indexes.length);
  for (const one of list) addBuckets(one[side], indexes, sums, lost);
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (lost[i] as number);
  return bucketsOf(indexes, sums);
}

function allIndexes(list: readonly FloatHistogram[], side: Side): Int32Array {
  const known = new Set<number>();
  for (const one of list) for (const index of one[side].indexes) known.add(index);
  return Int32Array.from(known).sort();
}

/** As function/summation.ts adds, one sum for each of `indexes`; requires all that the buckets have to be among them. */
function addBuckets(buckets: Buckets, indexes: Int32Array, sums: Float64Array, lost: Float64Array): void {
  let at = 0;
  for (let i = 0; i < buckets.indexes.length; i++) {
    while (indexes[at] !== buckets.indexes[i]) at++;
    const sum = sums[at] as number;
    const value = buckets.counts[i] as number;
    const total = sum + value;
    if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) lost[at] = 0;
    else
      lost[at] = (lost[at] as number) + (Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum);
    sums[at] = total;
  }
}

/** Of the sum while that is finite; else a running mean of each count, which does not overflow. */
function meanOf(list: readonly FloatHistogram[]): FloatHistogram {
  const sum = sumOf(list);
  if (!overflowed(sum)) return divided(sum, list.length);
  const meanBuckets = (side: Side): Buckets => {
    const indexes = allIndexes(list, side);
    return bucketsOf(
      indexes,
      Array.from(indexes, (index) => meanBy(list, (one) => one[side].counts[one[side].indexes.indexOf(index)] ?? 0)),
    );
  };
  return {
    ...sum,
    zeroCount: meanBy(list, ({ zeroCount }) => zeroCount),
    count: meanBy(list, ({ count }) => count),
    sum: meanBy(list, (one) => one.sum),
    positive: meanBuckets('positive'),
    negative: meanBuckets('negative'),
  };
}

function meanBy(list: readonly FloatHistogram[], of: (one: FloatHistogram) => number): number {
  const mean = new Mean();
  for (const one of list) mean.add(of(one));
  return mean.mean;
}

function overflowed({ count, sum, zeroCount, positive, negative }: FloatHistogram): boolean {
  const infinite = (value: number) => value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY;
  return [count, sum, zeroCount].some(infinite) || positive.counts.some(infinite) || negative.counts.some(infinite);
}
