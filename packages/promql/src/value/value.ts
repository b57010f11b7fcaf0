import type { Labels } from '@tidemark/model';
import { type FloatHistogram, slotsOfHistogram } from '../histogram/float-histogram.ts';

// What an expression evaluates to, over all steps of a query at once.
//
//   grid      start ─┬─ step ─┬─ step ─┬─ ...          an instant query is a grid of one step
//   scalar    values[0]  values[1]  values[2]
//   vector    series A   values[k], present[k] = 1 where A has a value at step k (NaN is a value; absence is not)
//             series B   ...
//             a value that is a native histogram stands in `histograms[k]`, and values[k] means nothing; most series have none
//
// Values are never changed after they were returned: several expressions may share them.

export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly steps: number;
}

export interface Series {
  readonly labels: Labels;
  /** The name has lost its meaning (a rate of x is no x) and goes when the query is done; only with delayed name removal. */
  readonly dropName: boolean;
  readonly values: Float64Array;
  /** 1 where there is a value. */
  readonly present: Uint8Array;
  /** The values that are native histograms, by step; absent: all are numbers. */
  readonly histograms?: HistogramColumn | undefined;
}

export type HistogramColumn = readonly (FloatHistogram | undefined)[];

export interface ScalarValue {
  readonly kind: 'scalar';
  readonly values: Float64Array;
}

export interface VectorValue {
  readonly kind: 'vector';
  readonly series: readonly Series[];
}

export interface StringValue {
  readonly kind: 'string';
  readonly text: string;
}

export type Value = ScalarValue | VectorValue | StringValue;

export function timeAt(grid: Grid, step: number): number {
  return grid.startMs + step * grid.stepMs;
}

export function emptySeries(labels: Labels, steps: number, dropName = false): Series {
  return { labels, dropName, values: new Float64Array(steps), present: new Uint8Array(steps) };
}

export function isAbsent(series: Series): boolean {
  return series.present.indexOf(1) < 0;
}

/** Slots a value holds in memory: what limits count. */
export function slotsOf(value: Value): number {
  if (value.kind === 'scalar') return value.values.length;
  if (value.kind === 'string') return 0;
  const first = value.series[0];
  if (!first) return 0;
  let slots = first.values.length * value.series.length;
  for (const { histograms } of value.series) if (histograms) slots += slotsOfHistograms(histograms);
  return slots;
}

export function slotsOfHistograms(histograms: HistogramColumn): number {
  let slots = 0;
  for (const one of histograms) if (one) slots += slotsOfHistogram(one);
  return slots;
}
