import { type Random, seededRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import { addHistograms, divided, multiplied, subtractHistograms } from './arithmetic.ts';
import { allBuckets, exponentialBound } from './bucket-bounds.ts';
import { histogramFraction, histogramQuantile } from './estimate.ts';
import { bucketsOf, type FloatHistogram, fromNative, isSameHistogram, toNative } from './float-histogram.ts';
import { totalOf } from './histogram-sum.ts';
import { isReset } from './reset.ts';
import { trimmed } from './trim.ts';

// Laws of native histograms, whatever their layouts.
//
//   TIDEMARK_FUZZ_SEED=7 npx vitest run packages/promql/src/histogram/arithmetic.fuzz.test.ts

const SEED = Number(process.env.TIDEMARK_FUZZ_SEED ?? 1);
const ROUNDS = Number(process.env.TIDEMARK_FUZZ_RUNS ?? 400);
const BOUNDS = [-5, 0, 1, 2, 5, 10];

/** Of one layout or any; whole counts, whose sums are exact. */
function anyHistogram(random: Random, own: boolean): FloatHistogram {
  const zeroThreshold = own ? 0 : ([0, 2 ** -4, 2 ** -3, 0.3, 1][random.below(5)] as number);
  const schema = own ? -53 : random.below(5) - 2;
  const side = () => {
    // What is next to zero is in the zero bucket.
    const indexes = Array.from({ length: 12 }, (_, i) => i - 4).filter(
      (index) => exponentialBound(index - 1, schema) >= zeroThreshold && random.below(2) === 0,
    );
    return bucketsOf(
      indexes,
      indexes.map(() => random.below(5)),
    );
  };
  const bounds = own ? Float64Array.from(BOUNDS.filter(() => random.below(3) > 0)) : undefined;
  const ownCounts = Array.from({ length: (bounds?.length ?? 0) + 1 }, () => random.below(6));
  const positive = own ? bucketsOf([...ownCounts.keys()], ownCounts) : side();
  const negative = own || random.below(2) === 0 ? bucketsOf([], []) : side();
  const zeroCount = own ? 0 : random.below(4);
  const count = [zeroCount, ...positive.counts, ...negative.counts].reduce((sum, one) => sum + one, 0);
  return {
    schema,
    hint: 'unknown',
    zeroThreshold,
    zeroCount,
    count,
    sum: random.below(100),
    positive,
    negative,
    bounds,
  };
}

function heldBy(histogram: FloatHistogram): number {
  return allBuckets(histogram).reduce((sum, { count }) => sum + count, 0);
}

function eachPair(of: (a: FloatHistogram, b: FloatHistogram, random: Random) => void): void {
  for (let round = 0; round < ROUNDS; round++) {
    const random = seededRandom(SEED * 1_000_000 + round);
    const own = round % 3 === 0;
    of(anyHistogram(random, own), anyHistogram(random, own), random);
  }
}

const added = (a: FloatHistogram, b: FloatHistogram) => addHistograms(a, b)?.histogram as FloatHistogram;

test('a sum holds what both held, in either order', () => {
  eachPair((a, b) => {
    const sum = added(a, b);
    expect(heldBy(sum)).toBe(heldBy(a) + heldBy(b));
    expect(isSameHistogram(sum, added(b, a))).toBe(true);
    const difference = subtractHistograms(sum, b)?.histogram as FloatHistogram;
    const nothing = subtractHistograms(difference, a)?.histogram as FloatHistogram;
    expect(allBuckets(nothing)).toEqual([]);
  });
});

test('a sum of many is the sum of pairs; a mean of equals is one of them', () => {
  eachPair((a, b, random) => {
    const list = [a, b, anyHistogram(random, a.bounds !== undefined), a];
    const total = totalOf(list).histogram as FloatHistogram;
    expect(heldBy(total)).toBe(list.reduce((sum, one) => sum + heldBy(one), 0));
    // In pairs a zero bucket may grow in a layout that is coarser already, and grow more.
    const one = (of: (histogram: FloatHistogram) => number) => new Set(list.map(of)).size === 1;
    if (one(({ schema }) => schema) || one(({ zeroThreshold }) => zeroThreshold)) {
      expect(isSameHistogram(total, list.reduce(added))).toBe(true);
    }
    expect(isSameHistogram(totalOf([a, a, a, a], true).histogram as FloatHistogram, a)).toBe(true);
    expect(isSameHistogram(divided(multiplied(a, 4), 4), a)).toBe(true);
  });
});

test('what only grew was not reset; what lost something was', () => {
  eachPair((a, b) => {
    const sum = added(a, b);
    // A finer layout than before is a new start, so growth is looked at in the sum's own layout.
    const before = subtractHistograms(sum, b)?.histogram as FloatHistogram;
    expect(isReset(sum, before)).toBe(false);
    expect(isReset(sum, a)).toBe(false);
    if (heldBy(b) > 0) expect(isReset(before, sum)).toBe(true);
  });
});

test('quantiles rise with their rank, and the share below one is its rank', () => {
  eachPair((a) => {
    if (a.count === 0) return;
    let last = Number.NEGATIVE_INFINITY;
    for (let q = 0; q <= 1; q += 0.125) {
      const { value } = histogramQuantile(q, a);
      expect(value).toBeGreaterThanOrEqual(last - 1e-9);
      last = value;
      // Where there are no buckets without an end, nor ones of no width.
      if (a.bounds === undefined && value !== 0) {
        const below = histogramFraction(Number.NEGATIVE_INFINITY, value, a).value;
        expect(below).toBeGreaterThanOrEqual(q - 1e-9);
      }
    }
  });
});

test('what is below and what is above are all together', () => {
  eachPair((a, _, random) => {
    const at = (random.below(200) - 100) / 10;
    const [below, above] = [trimmed(a, at, '</'), trimmed(a, at, '>/')];
    if (a.bounds === undefined) expect(heldBy(below) + heldBy(above)).toBeCloseTo(heldBy(a), 9);
    else expect(heldBy(below) + heldBy(above)).toBeLessThanOrEqual(heldBy(a) + 1e-9);
  });
});

test('nothing is lost on the way to spans and back', () => {
  eachPair((a) => {
    expect(isSameHistogram(fromNative(toNative(a)), a)).toBe(true);
  });
});
