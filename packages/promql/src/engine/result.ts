import type { Labels } from '@tidemark/model';
import type { FloatHistogram } from '../histogram/float-histogram.ts';
import { compareLabels } from '../value/label-set.ts';
import { hasHistograms } from '../value/mixed.ts';
import { type Grid, type HistogramColumn, type Series, timeAt } from '../value/value.ts';

// What a query answers with.

export interface VectorSample {
  readonly labels: Labels;
  /** NaN where there is a histogram. */
  readonly value: number;
  /** Absent: the value is a number. */
  readonly histogram?: FloatHistogram | undefined;
}

export interface MatrixSeries {
  readonly labels: Labels;
  /** Rising; series that have a value at every step share one array. Do not change it. */
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  /** Those among the values that are native histograms; absent: all are numbers. */
  readonly histograms?: HistogramColumn | undefined;
}

export type QueryData =
  | { readonly kind: 'scalar'; readonly atMs: number; readonly value: number }
  | { readonly kind: 'string'; readonly atMs: number; readonly text: string }
  | { readonly kind: 'vector'; readonly atMs: number; readonly samples: readonly VectorSample[] }
  | { readonly kind: 'matrix'; readonly series: readonly MatrixSeries[] };

export interface QueryStats {
  /** Series and samples the source gave. */
  readonly series: number;
  readonly samples: number;
  /** Most samples held in memory at one time. */
  readonly peakSamples: number;
}

export interface QueryResult {
  readonly data: QueryData;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly stats: QueryStats;
  /** What the samples came from: `raw`, `1m`, `1h`. */
  readonly resolutions: readonly string[];
  /** Whether every value is what all samples would give. */
  readonly exact: boolean;
}

export function vectorData(series: readonly Series[], grid: Grid): QueryData {
  const samples: VectorSample[] = [];
  for (const { labels, values, present, histograms } of series) {
    if (present[0] === 0) continue;
    const value = values[0] as number;
    samples.push(histograms?.[0] === undefined ? { labels, value } : { labels, value, histogram: histograms[0] });
  }
  return { kind: 'vector', atMs: grid.startMs, samples };
}

/** Ordered by labels, as Prometheus answers range queries. */
export function matrixData(series: readonly Series[], grid: Grid): QueryData {
  const allTimes = new Float64Array(grid.steps);
  for (let k = 0; k < grid.steps; k++) allTimes[k] = timeAt(grid, k);
  const out: MatrixSeries[] = [];
  for (const one of series) {
    const points = presentPoints(one, allTimes);
    if (points.values.length > 0) out.push(points);
  }
  out.sort((a, b) => compareLabels(a.labels, b.labels));
  return { kind: 'matrix', series: out };
}

function presentPoints(series: Series, allTimes: Float64Array): MatrixSeries {
  if (series.histograms === undefined || !hasHistograms(series)) return presentNumbers(series, allTimes);
  const { histograms, present } = series;
  return { ...presentNumbers(series, allTimes), histograms: histograms.filter((_, k) => present[k] === 1) };
}

function presentNumbers({ labels, values, present }: Series, allTimes: Float64Array): MatrixSeries {
  let count = 0;
  for (let k = 0; k < present.length; k++) count += present[k] as number;
  if (count === present.length) return { labels, timestampsMs: allTimes, values };
  const timestampsMs = new Float64Array(count);
  const kept = new Float64Array(count);
  for (let k = 0, at = 0; k < present.length; k++) {
    if (present[k] === 0) continue;
    timestampsMs[at] = allTimes[k] as number;
    kept[at++] = values[k] as number;
  }
  return { labels, timestampsMs, values: kept };
}
