import { executionError } from '../language/errors.ts';
import { labelKey, omitMetadata } from './label-set.ts';
import { LABEL_WORK, type Pace } from './pace.ts';
import type { Grid, HistogramColumn, Series } from './value.ts';

// Series that came to bear the same labels. They are one series where they never meet at one step, and an error where they do.
// One whose name will go is another than one whose name stays.

/** Throws `PROMQL_EXECUTION` when two series of the same labels have a value at the same step. */
export async function mergeSameLabels(series: readonly Series[], grid: Grid, pace: Pace): Promise<readonly Series[]> {
  const byKey = new Map<string, Series>();
  const shared = new Set<string>();
  let merged = false;
  for (const one of series) {
    const key = seriesKey(one);
    const pause = pace.pulse(LABEL_WORK);
    if (pause) await pause;
    const before = byKey.get(key);
    if (!before) {
      byKey.set(key, one);
      continue;
    }
    merged = true;
    let target = before;
    if (!shared.has(key)) {
      target = { ...before, values: before.values.slice(), present: before.present.slice() };
      byKey.set(key, target);
      shared.add(key);
    }
    pour(one, target, grid.steps);
    if (one.histograms || target.histograms) byKey.set(key, { ...target, histograms: poured(one, target) });
  }
  return merged ? [...byKey.values()] : series;
}

/** Tells series apart, whatever their labels look like until names go. */
export function seriesKey({ labels, dropName }: Pick<Series, 'labels' | 'dropName'>): string {
  const key = labelKey(labels);
  return dropName ? `\0${key}` : key;
}

function pour(source: Series, target: Series, steps: number): void {
  for (let k = 0; k < steps; k++) {
    if (source.present[k] === 0) continue;
    if (target.present[k] === 1) throw executionError('vector cannot contain metrics with the same labelset');
    target.present[k] = 1;
    target.values[k] = source.values[k] as number;
  }
}

function poured(source: Series, target: Series): HistogramColumn {
  return Array.from(target.present, (_, k) => (source.present[k] === 1 ? source : target).histograms?.[k]);
}

/** The same values, no longer the metric's own: the name goes at once, or at the end of the query. */
export function withoutName(series: Series, delayed: boolean): Series {
  if (delayed) return series.dropName ? series : { ...series, dropName: true };
  const labels = omitMetadata(series.labels);
  return labels === series.labels ? series : { ...series, labels };
}

/** Names that were kept until now go. */
export async function dropDelayedNames(series: readonly Series[], grid: Grid, pace: Pace): Promise<readonly Series[]> {
  if (!series.some((one) => one.dropName)) return series;
  return mergeSameLabels(
    series.map((one) => (one.dropName ? { ...one, labels: omitMetadata(one.labels), dropName: false } : one)),
    grid,
    pace,
  );
}
