import type { FloatHistogram } from '../histogram/float-histogram.ts';
import { isSameHistogram } from '../histogram/float-histogram.ts';
import { totalOf } from '../histogram/histogram-sum.ts';
import { isReset } from '../histogram/reset.ts';
import type { Sample } from '../value/mixed.ts';
import type { HistogramColumn } from '../value/value.ts';
import { growth, lastGrowth } from './histogram-growth.ts';
import type { HistogramNotes } from './histogram-notes.ts';

// What functions say of windows in which there are native histograms. Those that are not here see the numbers only.
//
//   all histograms    sums, means, growth of histograms
//   some              mostly nothing, and a warning: a histogram and a number have no sum

/** One window in which there is a histogram: the points `[from, to)`. */
export interface MixedWindow {
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  readonly histograms: HistogramColumn;
  readonly from: number;
  readonly to: number;
  /** Where the window ends, and how long it is. */
  readonly endMs: number;
  readonly rangeMs: number;
  readonly notes: HistogramNotes;
}

export type ReduceMixed = (window: MixedWindow) => Sample;

function sampleOf({ histograms, values }: MixedWindow, i: number): number | FloatHistogram {
  return histograms[i] ?? (values[i] as number);
}

/** The histograms of a window of nothing else; undefined, and a warning, where there are numbers among them. */
function onlyHistograms({ histograms, from, to, notes }: MixedWindow): readonly FloatHistogram[] | undefined {
  const found = histograms.slice(from, to).filter((one) => one !== undefined);
  if (found.length === to - from) return found;
  notes.mixedWithFloats();
  return undefined;
}

function total(mean: boolean): ReduceMixed {
  return (window) => {
    const histograms = onlyHistograms(window);
    if (histograms === undefined) return undefined;
    const { histogram, conflicting, reconciled } = totalOf(histograms, mean);
    if (histogram === undefined) {
      window.notes.mixedSchemas();
      return undefined;
    }
    if (conflicting) window.notes.conflictingResets('aggregation');
    if (reconciled) window.notes.reconciled('aggregation');
    return histogram;
  };
}

/** How often `is` holds between one sample and the next; that a number follows a histogram, or the other way, counts as well. */
function counting(is: {
  readonly numbers: (current: number, previous: number) => boolean;
  readonly histograms: (current: FloatHistogram, previous: FloatHistogram) => boolean;
}): ReduceMixed {
  return (window) => {
    let count = 0;
    let previous = sampleOf(window, window.from);
    for (let i = window.from + 1; i < window.to; i++) {
      const current = sampleOf(window, i);
      if (typeof current === 'number') {
        if (typeof previous !== 'number' || is.numbers(current, previous)) count++;
      } else if (typeof previous === 'number' || is.histograms(current, previous)) count++;
      previous = current;
    }
    return count;
  };
}

/** Undefined and a warning where only some are histograms. */
function ofHistograms(of: (histograms: readonly FloatHistogram[], window: MixedWindow) => Sample): ReduceMixed {
  return (window) => {
    const histograms = onlyHistograms(window);
    return histograms && of(histograms, window);
  };
}

/** irate and idelta: of the last two points alone. */
function ofLastTwo(perSecond: boolean): ReduceMixed {
  return (window) => {
    const from = window.to - 2;
    const last = { ...window, from };
    const histograms = window.histograms.slice(from, window.to).filter((one) => one !== undefined);
    if (histograms.length === 0) {
      const [before, value] = window.values.subarray(from, window.to) as unknown as [number, number];
      if (!perSecond) return value - before;
      return (value < before ? value : value - before) / secondsOf(last);
    }
    if (onlyHistograms(last) === undefined) return undefined;
    return lastGrowth(histograms as [FloatHistogram, FloatHistogram], perSecond ? secondsOf(last) : undefined, last);
  };
}

function secondsOf({ timestampsMs, from, to }: MixedWindow): number {
  return ((timestampsMs[to - 1] as number) - (timestampsMs[from] as number)) / 1000;
}

export const MIXED: ReadonlyMap<string, ReduceMixed> = new Map<string, ReduceMixed>([
  ['sum_over_time', total(false)],
  ['avg_over_time', total(true)],
  ['count_over_time', ({ from, to }) => to - from],
  ['present_over_time', () => 1],
  ['last_over_time', (window) => sampleOf(window, window.to - 1)],
  ['first_over_time', (window) => sampleOf(window, window.from)],
  ['ts_of_last_over_time', ({ timestampsMs, to }) => (timestampsMs[to - 1] as number) / 1000],
  ['ts_of_first_over_time', ({ timestampsMs, from }) => (timestampsMs[from] as number) / 1000],
  ['rate', ofHistograms((histograms, window) => growth(histograms, window, { counter: true, perSecond: true }))],
  ['increase', ofHistograms((histograms, window) => growth(histograms, window, { counter: true, perSecond: false }))],
  ['delta', ofHistograms((histograms, window) => growth(histograms, window, { counter: false, perSecond: false }))],
  ['irate', ofLastTwo(true)],
  ['idelta', ofLastTwo(false)],
  ['resets', counting({ numbers: (current, previous) => current < previous, histograms: isReset })],
  [
    'changes',
    counting({
      numbers: (current, previous) => current !== previous && !(current !== current && previous !== previous),
      histograms: (current, previous) => !isSameHistogram(current, previous),
    }),
  ],
]);
