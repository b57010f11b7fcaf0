import { isTidemarkError, type Random, seededRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import { writeStale } from '../stale.ts';
import { histogramProblem } from './check.ts';
import { decodeHistogram, encodeHistogram } from './codec.ts';
import type { BucketSide, BucketSpan, NativeHistogram, ResetHint } from './native-histogram.ts';

// Any histogram that is let in comes back as it was, its spans canonical; cut at every byte and bent it is refused by name, or
// read as one that has these very bytes.

const SEED = Number(process.env['SEED'] ?? 20_261_129);
const ROUNDS = Number(process.env['ROUNDS'] ?? 400);
const replay = `replay: SEED=${SEED} ROUNDS=${ROUNDS}`;

const pick = <T>(random: Random, from: readonly T[]): T => from[random.below(from.length)] as T;

function anySide(random: Random, number: () => number, first: number): BucketSide {
  const spans: BucketSpan[] = [];
  for (let left = random.below(5); left > 0; left--) {
    spans.push({ gap: spans.length === 0 ? first : random.below(4), length: random.below(6) });
  }
  return { spans, counts: Float64Array.from({ length: spans.reduce((sum, { length }) => sum + length, 0) }, number) };
}

function anyHistogram(random: Random): NativeHistogram {
  const fractions = random.below(3) === 0;
  const own = random.below(4) === 0;
  const number = () => (fractions ? random.next() * 1e6 : random.below(pick(random, [1, 3, 1000, 2 ** 40])));
  const positive = anySide(random, number, own ? random.below(3) : random.below(100) - 50);
  const negative = own ? { spans: [], counts: new Float64Array(0) } : anySide(random, number, -random.below(9));
  const zeroCount = own ? 0 : number();
  const sum = Float64Array.of(pick(random, [0, -0, 1.5, random.next() * 1e9, Number.POSITIVE_INFINITY]));
  if (random.below(8) === 0) writeStale(sum, 0);
  let count = zeroCount;
  for (const side of [positive, negative]) for (const one of side.counts) count += one;
  return {
    schema: own ? -53 : random.below(13) - 4,
    hint: pick<ResetHint>(random, ['unknown', 'reset', 'no reset', 'gauge']),
    fractions,
    zeroThreshold: own ? 0 : pick(random, [0, 2 ** -128, 0.5]),
    zeroCount,
    count,
    sum: sum[0] as number,
    positive,
    negative,
    bounds: own ? Float64Array.from({ length: 40 }, (_, i) => i / 4 - 2) : undefined,
  };
}

/** Buckets by their index. */
function bucketsOf({ spans, counts }: BucketSide): string {
  let index = 0;
  let at = 0;
  const buckets: string[] = [];
  for (const { gap, length } of spans) {
    index += gap;
    for (let i = 0; i < length; i++) buckets.push(`${index++}:${counts[at++]}`);
  }
  return buckets.join(' ');
}

function textOf(histogram: NativeHistogram): string {
  const { schema, hint, fractions, zeroThreshold, zeroCount, count, positive, negative, sum, bounds } = histogram;
  const bits = new BigUint64Array(Float64Array.of(sum).buffer)[0]?.toString(16);
  const numbers = [schema, zeroThreshold, zeroCount, count].join();
  return [hint, fractions, numbers, bits, bucketsOf(positive), bucketsOf(negative), bounds?.join()].join('|');
}

test('a histogram comes back as it was, and equal ones have equal bytes', () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const histogram = anyHistogram(random);
    expect(histogramProblem(histogram), replay).toBeUndefined();
    const bytes = encodeHistogram(histogram);
    const back = decodeHistogram(bytes);
    expect(textOf(back), replay).toBe(textOf(histogram));
    expect(encodeHistogram(back), replay).toEqual(bytes);
    expect(histogramProblem(back), replay).toBeUndefined();
  }
});

test('cut or bent bytes are refused by name, or are those of another histogram', () => {
  const random = seededRandom(SEED ^ 0xb17);
  for (let round = 0; round < ROUNDS / 8; round++) {
    const bytes = encodeHistogram(anyHistogram(random));
    for (let end = 0; end < bytes.length; end++)
      expect(() => decodeHistogram(bytes.subarray(0, end)), replay).toThrow();
    for (let bend = 0; bend < 200; bend++) {
      const bent = bytes.slice();
      for (let bits = 1 + random.below(3); bits > 0; bits--) {
        const bit = random.below(bent.length * 8);
        bent[bit >>> 3] = (bent[bit >>> 3] as number) ^ (1 << (bit & 7));
      }
      try {
        const read = decodeHistogram(bent);
        expect(textOf(decodeHistogram(encodeHistogram(read))), replay).toBe(textOf(read));
      } catch (error) {
        if (!isTidemarkError(error, 'HISTOGRAM_MALFORMED')) throw error;
      }
    }
  }
});
