import { expect, test } from 'vitest';
import { writeStale } from '../stale.ts';
import { histogramProblem } from './check.ts';
import { decodeHistogram, encodeHistogram, HISTOGRAM_BUCKETS_MAX } from './codec.ts';
import type { NativeHistogram } from './native-histogram.ts';

const NO_SIDE = { spans: [], counts: new Float64Array(0) };
const PLAIN: NativeHistogram = {
  schema: 3,
  hint: 'unknown',
  fractions: false,
  zeroThreshold: 0.001,
  zeroCount: 1,
  count: 6,
  sum: 10.5,
  positive: { spans: [{ gap: 2, length: 2 }], counts: Float64Array.of(2, 3) },
  negative: NO_SIDE,
  bounds: undefined,
};
const OWN: NativeHistogram = {
  ...PLAIN,
  schema: -53,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 5,
  bounds: Float64Array.of(0.1, 1, 10),
};
const stale = new Float64Array(1);
writeStale(stale, 0);
const positive = (gap: number, ...counts: number[]) => ({
  spans: [{ gap, length: counts.length }],
  counts: Float64Array.from(counts),
});

test.each<[string, NativeHistogram, ReturnType<typeof histogramProblem>]>([
  ['whole counts', PLAIN, undefined],
  ['bounds of its own', OWN, undefined],
  ['nothing in it', { ...PLAIN, count: 1, positive: NO_SIDE }, undefined],
  ['a stale marker, whatever it counts', { ...PLAIN, count: 0, sum: stale[0] as number }, undefined],
  ['NaN observed, which no bucket has', { ...PLAIN, count: 9, sum: Number.NaN }, undefined],
  ['fractions that do not add up', { ...PLAIN, fractions: true, count: 5.5 }, undefined],
  ['a schema between', { ...PLAIN, schema: 1.5 }, 'histogram_schema'],
  ['a schema too fine', { ...PLAIN, schema: 9 }, 'histogram_schema'],
  ['counts that do not add up', { ...PLAIN, count: 7 }, 'histogram_counts'],
  ['more in buckets than observed, NaN among them', { ...PLAIN, count: 5, sum: Number.NaN }, 'histogram_counts'],
  ['a bucket below zero', { ...PLAIN, count: 2, positive: positive(2, -2, 3) }, 'histogram_counts'],
  ['a fraction below zero', { ...PLAIN, fractions: true, positive: positive(2, -0.5) }, 'histogram_counts'],
  ['a count beyond 2^53', { ...PLAIN, count: 2 ** 54, positive: positive(0, 2 ** 54 - 1) }, 'histogram_counts'],
  [
    'fewer counts than spans say',
    { ...PLAIN, positive: { ...PLAIN.positive, counts: Float64Array.of(5) } },
    'histogram_spans',
  ],
  ['an index beyond 32 bits', { ...PLAIN, positive: positive(2 ** 31 - 1, 2, 3) }, 'histogram_spans'],
  [
    'too many buckets',
    { ...PLAIN, positive: positive(0, ...new Array(HISTOGRAM_BUCKETS_MAX + 1).fill(0)) },
    'histogram_too_large',
  ],
  ['bounds with a schema of its own', { ...PLAIN, bounds: Float64Array.of(1) }, 'histogram_bounds'],
  ['its own bounds, but none', { ...OWN, bounds: undefined }, 'histogram_bounds'],
  ['bounds that fall', { ...OWN, bounds: Float64Array.of(1, 0.5, 10) }, 'histogram_bounds'],
  ['a bound of +Inf', { ...OWN, bounds: Float64Array.of(1, 2, Number.POSITIVE_INFINITY) }, 'histogram_bounds'],
  ['more buckets than bounds', { ...OWN, positive: positive(3, 2, 3) }, 'histogram_bounds'],
  ['a bucket before the first bound', { ...OWN, positive: positive(-1, 2, 3) }, 'histogram_bounds'],
])('%s', (_, histogram, problem) => {
  expect(histogramProblem(histogram)).toBe(problem);
});

test('spans that say the same in more words are the same bytes', () => {
  const spans = [
    { gap: 1, length: 0 },
    { gap: 1, length: 1 },
    { gap: 0, length: 1 },
    { gap: 4, length: 0 },
  ];
  const wordy = { ...PLAIN, positive: { ...PLAIN.positive, spans } };
  expect(histogramProblem(wordy)).toBeUndefined();
  expect(encodeHistogram(wordy)).toEqual(encodeHistogram(PLAIN));
});

test('few bytes cannot ask for much memory', () => {
  // 65,536 buckets in one span, and none of them there.
  const bytes = encodeHistogram({ ...PLAIN, positive: positive(0, ...new Array(HISTOGRAM_BUCKETS_MAX).fill(0)) });
  expect(() => decodeHistogram(bytes.subarray(0, 60))).toThrow(/end early/);
});
