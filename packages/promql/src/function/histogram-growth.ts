import { addHistograms, divided, multiplied, subtractHistograms } from '../histogram/arithmetic.ts';
import { type FloatHistogram, hasOwnBounds, NO_BUCKETS, withHint } from '../histogram/float-histogram.ts';
import { withSchema } from '../histogram/layout.ts';
import { isReset } from '../histogram/reset.ts';
import type { MixedWindow } from './mixed-window.ts';
import { stretchFactor } from './stretch.ts';

// How fast a native histogram grows: rate, increase, delta, irate, idelta. As with numbers (function/stretch.ts), the last less the
// first, and what was there before each reset is added; a result is a gauge.

export interface GrowthKind {
  readonly counter: boolean;
  readonly perSecond: boolean;
}

/** Over a whole window, stretched to its ends; undefined where the histograms do not fit each other. Requires them to be all its points. */
export function growth(
  histograms: readonly FloatHistogram[],
  window: MixedWindow,
  { counter, perSecond }: GrowthKind,
): FloatHistogram | undefined {
  if (histograms.length < 2) return undefined;
  const grown = counter ? counterGrowth(histograms, window) : gaugeGrowth(histograms, window);
  if (grown === undefined) return undefined;
  const { timestampsMs, from, to, endMs, rangeMs } = window;
  const first = histograms[0] as FloatHistogram;
  const factor = stretchFactor({
    firstMs: timestampsMs[from] as number,
    lastMs: timestampsMs[to - 1] as number,
    gaps: to - from - 1,
    endMs,
    rangeMs,
    perSecond,
    zeroAfter: counter && grown.count > 0 && first.count >= 0 ? first.count / grown.count : undefined,
  });
  return withHint(multiplied(grown, factor), 'gauge');
}

function gaugeGrowth(histograms: readonly FloatHistogram[], { notes }: MixedWindow): FloatHistogram | undefined {
  const first = histograms[0] as FloatHistogram;
  const last = histograms[histograms.length - 1] as FloatHistogram;
  const difference = subtractHistograms(last, first);
  if (difference === undefined) {
    notes.mixedSchemas();
    return undefined;
  }
  if (difference.reconciled) notes.reconciled('subtraction');
  if (first.hint !== 'gauge' || last.hint !== 'gauge') notes.notGauge();
  return difference.histogram;
}

function counterGrowth(histograms: readonly FloatHistogram[], { notes }: MixedWindow): FloatHistogram | undefined {
  const [first, second] = histograms as readonly [FloatHistogram, FloatHistogram];
  const last = histograms[histograms.length - 1] as FloatHistogram;
  if (histograms.some(({ hint }) => hint === 'gauge')) notes.notCounter();
  // What was there before a reset right behind it is not looked at, whatever its layout.
  const begin = isReset(second, first) ? emptyLike(second) : first;
  const others = histograms.slice(1);
  if (others.some((one) => hasOwnBounds(one) !== hasOwnBounds(begin))) {
    notes.mixedSchemas();
    return undefined;
  }
  const schema = Math.min(begin.schema, ...others.map((one) => one.schema));
  const difference = subtractHistograms(withSchema(last, schema), begin);
  if (difference === undefined) return undefined;
  if (difference.reconciled) notes.reconciled('subtraction');
  let { histogram } = difference;
  let previous = begin;
  for (const current of others) {
    if (isReset(current, previous)) {
      const sum = addHistograms(histogram, previous);
      if (sum === undefined) return undefined;
      if (sum.reconciled) notes.reconciled('addition');
      histogram = sum.histogram;
    }
    previous = current;
  }
  return histogram;
}

function emptyLike({ schema, bounds }: FloatHistogram): FloatHistogram {
  const nothing = { zeroThreshold: 0, zeroCount: 0, count: 0, sum: 0, positive: NO_BUCKETS, negative: NO_BUCKETS };
  return { ...nothing, schema, bounds, hint: 'unknown' };
}

/** Between two points: `seconds` apart of a counter, undefined of a gauge. */
export function lastGrowth(
  [before, last]: readonly [FloatHistogram, FloatHistogram],
  seconds: number | undefined,
  { notes }: MixedWindow,
): FloatHistogram | undefined {
  const gauges = [before, last].filter(({ hint }) => hint === 'gauge').length;
  if (seconds !== undefined && gauges > 0) notes.notCounter();
  if (seconds === undefined && gauges < 2) notes.notGauge();
  let grown = last;
  if (seconds === undefined || !isReset(last, before)) {
    const difference = subtractHistograms(last, before);
    if (difference === undefined) {
      notes.mixedSchemas();
      return undefined;
    }
    if (difference.reconciled) notes.reconciled('subtraction');
    grown = difference.histogram;
  }
  const gauge = withHint(grown, 'gauge');
  return seconds === undefined ? gauge : divided(gauge, seconds);
}
