import {
  isStale,
  isStaleAt,
  type Labels,
  type SelectedHistograms,
  type SelectedSeries,
  wordsOf,
} from '@tidemark/model';
import { type FloatHistogram, fromNative, withHint } from '../histogram/float-histogram.ts';
import { isReset } from '../histogram/reset.ts';
import { type Grid, type HistogramColumn, type Series, timeAt } from '../value/value.ts';

// What ranges are cut from: the points of a series in rising time, without stale markers.

export interface Points {
  readonly labels: Labels;
  readonly dropName: boolean;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  /** Those that are native histograms; absent: all are numbers. */
  readonly histograms?: HistogramColumn | undefined;
}

/** `resets`: of native histograms it is found out whether they begin anew, where they do not say. */
export function pointsOf(series: SelectedSeries, resets = false): Points {
  if (series.histograms !== undefined) return mixedPointsOf(series, series.histograms, resets);
  const { labels, timestampsMs, values } = series;
  const count = values.length;
  const stale = countStale(values);
  if (stale === 0) return { labels, dropName: false, timestampsMs, values };
  const words = wordsOf(values);
  const keptTimes = new Float64Array(count - stale);
  const keptValues = new Float64Array(count - stale);
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (isStaleAt(words, i)) continue;
    keptTimes[at] = timestampsMs[i] as number;
    keptValues[at++] = values[i] as number;
  }
  return { labels, dropName: false, timestampsMs: keptTimes, values: keptValues };
}

function mixedPointsOf(series: SelectedSeries, selected: SelectedHistograms, resets: boolean): Points {
  const all = histogramsByEntry(series, selected, resets);
  const words = wordsOf(series.values);
  const kept = [...all.keys()].filter((i) => (all[i] === undefined ? !isStaleAt(words, i) : all[i] !== 'stale'));
  return {
    labels: series.labels,
    dropName: false,
    timestampsMs: Float64Array.from(kept, (i) => series.timestampsMs[i] as number),
    values: Float64Array.from(kept, (i) => series.values[i] as number),
    histograms: kept.map((i) => all[i] as FloatHistogram | undefined),
  };
}

/** By entry of the series' columns: a histogram, one that is a stale marker, or undefined where a number stands. */
export function histogramsByEntry(
  { values }: SelectedSeries,
  { entries, histograms }: SelectedHistograms,
  resets: boolean,
): (FloatHistogram | 'stale' | undefined)[] {
  const all = new Array<FloatHistogram | 'stale' | undefined>(values.length).fill(undefined);
  let before: FloatHistogram | undefined;
  histograms.forEach((native, i) => {
    let histogram = isStale(native.sum) ? undefined : fromNative(native, before);
    if (resets && histogram?.hint === 'unknown' && before !== undefined)
      histogram = withHint(histogram, isReset(histogram, before) ? 'reset' : 'no reset');
    all[entries[i] as number] = histogram ?? 'stale';
    before = histogram;
  });
  return all;
}

export function countStale(values: Float64Array): number {
  let words: Uint32Array | undefined;
  let stale = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value === value) continue;
    words ??= wordsOf(values);
    if (isStaleAt(words, i)) stale++;
  }
  return stale;
}

/** The values a subquery had at its steps, as points. */
export function pointsOfSteps(series: Series, grid: Grid): Points {
  const { labels, dropName, values, present } = series;
  let count = 0;
  for (let k = 0; k < grid.steps; k++) count += present[k] as number;
  const timestampsMs = new Float64Array(count);
  const kept = new Float64Array(count);
  let at = 0;
  for (let k = 0; k < grid.steps; k++) {
    if (present[k] === 0) continue;
    timestampsMs[at] = timeAt(grid, k);
    kept[at++] = values[k] as number;
  }
  const points = { labels, dropName, timestampsMs, values: kept };
  if (series.histograms === undefined) return points;
  // What a histogram says of the one before it in the store says nothing of the step before.
  const histograms = series.histograms
    .filter((_, k) => present[k] === 1)
    .map((one) => (one === undefined || one.hint === 'gauge' ? one : withHint(one, 'unknown')));
  return { ...points, histograms };
}
