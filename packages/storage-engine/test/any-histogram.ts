import type { Random } from '@tidemark/base';
import {
  type BucketSide,
  encodeHistogram,
  HISTOGRAM_SUM_AT,
  type NativeHistogram,
  type ResetHint,
  type SelectedSeries,
  writeStale,
} from '@tidemark/model';

// Native histograms for stories of the engine: of few shapes, so that runs of one shape come about, and of few numbers, so that some
// come twice.

const stale = new Float64Array(1);
writeStale(stale, 0);

function side(random: Random, first: number, number: () => number): BucketSide {
  if (random.below(2) === 0) return { spans: [], counts: new Float64Array(0) };
  const spans = [
    { gap: first, length: 2 },
    { gap: 1 + random.below(2), length: 1 },
  ];
  return { spans, counts: Float64Array.of(number(), number(), number()) };
}

export function anyHistogram(random: Random): Uint8Array {
  const fractions = random.below(4) === 0;
  const own = random.below(4) === 0;
  const number = () => (fractions ? random.next() * 10 : random.below(1 + random.below(40)));
  const positive = side(random, own ? 0 : -3, number);
  const negative = own ? { spans: [], counts: new Float64Array(0) } : side(random, 2, number);
  const zeroCount = own ? 0 : number();
  const counted = [...positive.counts, ...negative.counts].reduce((sum, one) => sum + one, zeroCount);
  const histogram: NativeHistogram = {
    schema: own ? -53 : random.below(2),
    hint: (['unknown', 'unknown', 'reset', 'gauge'] as ResetHint[])[random.below(4)] as ResetHint,
    fractions,
    zeroThreshold: own ? 0 : 0.25,
    zeroCount,
    count: counted,
    sum: random.below(50) / 4,
    positive,
    negative,
    bounds: own ? Float64Array.of(0.5, 1, 2.5, 10, 100) : undefined,
  };
  const bytes = encodeHistogram(histogram);
  // By its bits: as a number it might not be the stale marker any more.
  if (random.below(10) === 0) bytes.set(new Uint8Array(stale.buffer), HISTOGRAM_SUM_AT);
  return bytes;
}

/** What a histogram says, to compare it by. */
export function histogramText(bytes: Uint8Array): string {
  return `histogram ${Buffer.from(bytes).toString('hex')}`;
}

/** By entry, the histograms of a series as text; throws where an entry is none of the series. */
export function histogramTexts({ histograms, values }: SelectedSeries): Map<number, string> {
  const texts = new Map<number, string>();
  for (const [i, entry] of (histograms?.entries ?? []).entries()) {
    if (!Number.isNaN(values[entry] ?? 0)) throw new Error(`the value at histogram ${entry} is ${values[entry]}`);
    texts.set(entry, histogramText(encodeHistogram(histograms?.histograms[i] as NativeHistogram)));
  }
  return texts;
}
