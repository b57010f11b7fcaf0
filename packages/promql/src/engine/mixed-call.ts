import { must } from '@tidemark/base';
import { labelValue, METRIC_NAME } from '@tidemark/model';
import type { FunctionCall, WindowFunction } from '../function/definition.ts';
import { HistogramNotes } from '../function/histogram-notes.ts';
import { MIXED, type ReduceMixed } from '../function/mixed-window.ts';
import { SeriesDraft } from '../value/mixed.ts';
import { HISTOGRAM_WORK } from '../value/pace.ts';
import type { HistogramColumn, Series } from '../value/value.ts';
import type { Points } from './points.ts';
import type { Windows } from './window.ts';

// Functions over the windows of a series in which there are native histograms. A window of numbers alone is reduced as ever.

/** Returns `series`, filled. */
export async function reduceMixed(
  call: FunctionCall,
  definition: WindowFunction,
  windows: Windows,
  points: Points,
  histograms: HistogramColumn,
  scalars: readonly Float64Array[],
  series: Series,
): Promise<Series> {
  const { position } = must(call.expr.args[0]);
  const notes = new HistogramNotes(call.scope.notes, position, labelValue(points.labels, METRIC_NAME));
  const reduce = MIXED.get(call.expr.name);
  if (reduce === undefined) return ofNumbers(call, definition, windows, points, histograms, scalars, series, notes);
  const before = countsBefore(histograms);
  const draft = new SeriesDraft(series);
  for (let k = 0; k < windows.steps; k++) {
    const from = windows.from[k] as number;
    const to = windows.to[k] as number;
    if (to - from < definition.pointsMin) continue;
    if (before[from] === before[to]) definition.reduceSteps(windows, series, k, k + 1, scalars);
    else draft.put(k, reduce(windowAt(windows, points, histograms, k, notes)));
    const pause = call.scope.meter.pulse((to - from) * HISTOGRAM_WORK);
    if (pause) await pause;
  }
  return draft.finish();
}

function windowAt(
  windows: Windows,
  { timestampsMs, values }: Points,
  histograms: HistogramColumn,
  step: number,
  notes: HistogramNotes,
): Parameters<ReduceMixed>[0] {
  const { rangeMs } = windows;
  const from = windows.from[step] as number;
  const to = windows.to[step] as number;
  return { timestampsMs, values, histograms, from, to, endMs: windows.endMs(step), rangeMs, notes };
}

/** How many of the points before each are histograms. */
function countsBefore(histograms: HistogramColumn): Int32Array {
  const counts = new Int32Array(histograms.length + 1);
  histograms.forEach((one, i) => {
    counts[i + 1] = (counts[i] as number) + (one === undefined ? 0 : 1);
  });
  return counts;
}

/** A function that knows nothing of histograms, of the numbers alone. */
async function ofNumbers(
  call: FunctionCall,
  definition: WindowFunction,
  windows: Windows,
  points: Points,
  histograms: HistogramColumn,
  scalars: readonly Float64Array[],
  series: Series,
  notes: HistogramNotes,
): Promise<Series> {
  const numbers = windows.alike();
  const isNumber = (_: number, i: number) => histograms[i] === undefined;
  numbers.load({ timestampsMs: points.timestampsMs.filter(isNumber), values: points.values.filter(isNumber) });
  for (let k = 0; k < windows.steps; k++) {
    const all = (windows.to[k] as number) - (windows.from[k] as number);
    const seen = (numbers.to[k] as number) - (numbers.from[k] as number);
    if (seen > 0 && seen < all) notes.ignoredInRange();
    definition.reduceSteps(numbers, series, k, k + 1, scalars);
    const pause = call.scope.meter.pulse(all);
    if (pause) await pause;
  }
  return series;
}
