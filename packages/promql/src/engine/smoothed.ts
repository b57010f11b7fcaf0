import { must } from '@tidemark/base';
import { labelValue, METRIC_NAME } from '@tidemark/model';
import { between } from '../function/boundary.ts';
import { histogramBetween } from '../function/histogram-boundary.ts';
import { HistogramNotes } from '../function/histogram-notes.ts';
import { type FloatHistogram, hasOwnBounds, withHint } from '../histogram/float-histogram.ts';
import type { VectorSelector } from '../language/ast.ts';
import { wholeWindow } from '../plan/plan.ts';
import { type Sample, SeriesDraft } from '../value/mixed.ts';
import { firstAtOrAfter } from '../value/search.ts';
import { emptySeries, type Grid, isAbsent, type Series } from '../value/value.ts';
import { type Points, pointsOf } from './points.ts';
import { type Scope, sortedSeries } from './scope.ts';
import { Windows } from './window.ts';

/**
 * A `smoothed` instant vector: at every step what lies on the line between the samples around it, both within the lookback. With
 * none behind, the last before; with none before, nothing.
 */
export async function smoothedInstants(scope: Scope, selector: VectorSelector, grid: Grid): Promise<Series[]> {
  const window = must(scope.plan.windows.get(selector), 'the selector was planned');
  const { behindMs } = must(window.beyond, 'a smoothed selector looks behind');
  const windows = new Windows(grid, wholeWindow(window));
  const resets = scope.plan.totalsOnly.has(selector);
  const out: Series[] = [];
  for (const selected of sortedSeries(scope, selector)) {
    const points = pointsOf(selected, resets);
    windows.load(points);
    scope.meter.need((out.length + 1) * grid.steps);
    const draft = new SeriesDraft(emptySeries(points.labels, grid.steps));
    const notes = new HistogramNotes(scope.notes, selector.position, labelValue(points.labels, METRIC_NAME));
    for (let k = 0; k < grid.steps; k++) {
      const from = windows.from[k] as number;
      const to = windows.to[k] as number;
      if (to > from) draft.put(k, smoothedAt(points, from, to, windows.endMs(k) - behindMs, notes));
    }
    const series = draft.finish();
    if (!isAbsent(series)) out.push(series);
    const pause = scope.meter.pulse(grid.steps + points.values.length);
    if (pause) await pause;
  }
  return out;
}

function smoothedAt(points: Points, from: number, to: number, ms: number, notes: HistogramNotes): Sample {
  const { timestampsMs, values, histograms } = points;
  const next = firstAtOrAfter(timestampsMs, from, to, ms);
  const exact = next < to && timestampsMs[next] === ms;
  const histogramsSeen = histograms ? countHistograms(histograms, from, to) : 0;
  if (histogramsSeen > 0 && histogramsSeen < to - from) {
    notes.mixedWithFloats();
    return undefined;
  }
  if (!exact && next === from) return undefined;
  if (histograms === undefined || histogramsSeen === 0) {
    if (exact) return values[next];
    return next === to ? values[to - 1] : between(timestampsMs, values, next - 1, ms, false);
  }
  if (exact) return histograms[next];
  const before = histograms[next - 1] as FloatHistogram;
  if (next === to) return withHint(before, 'unknown');
  const after = histograms[next] as FloatHistogram;
  if (hasOwnBounds(before) !== hasOwnBounds(after)) {
    notes.mixedSchemas();
    return undefined;
  }
  const around = { before, beforeMs: timestampsMs[next - 1] as number, after, afterMs: timestampsMs[next] as number };
  return histogramBetween(around, ms, before.hint !== 'gauge' || after.hint !== 'gauge', notes);
}

function countHistograms(histograms: readonly unknown[], from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) if (histograms[i] !== undefined) count++;
  return count;
}
