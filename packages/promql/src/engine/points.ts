import { isStaleAt, type Labels, type SelectedSeries, wordsOf } from '@tidemark/model';
import { type Grid, type Series, timeAt } from '../value/value.ts';

// What ranges are cut from: the points of a series in rising time, without stale markers.

export interface Points {
  readonly labels: Labels;
  readonly dropName: boolean;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
}

export function pointsOf(series: SelectedSeries): Points {
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
  return { labels, dropName, timestampsMs, values: kept };
}
