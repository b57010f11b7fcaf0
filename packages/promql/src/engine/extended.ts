import { must } from '@tidemark/base';
import { labelValue, METRIC_NAME } from '@tidemark/model';
import { boundaryOf, boundedGrowth, endsOf, inside, type Range } from '../function/boundary.ts';
import type { FunctionCall, Growth } from '../function/definition.ts';
import { boundedHistogramGrowth } from '../function/histogram-boundary.ts';
import { HistogramNotes } from '../function/histogram-notes.ts';
import type { MatrixSelector } from '../language/ast.ts';
import { executionError } from '../language/errors.ts';
import { type Window, wholeWindow } from '../plan/plan.ts';
import { withoutName } from '../value/merge.ts';
import { floatsOf, SeriesDraft } from '../value/mixed.ts';
import { HISTOGRAM_WORK } from '../value/pace.ts';
import { emptySeries, type Grid, isAbsent, type Series } from '../value/value.ts';
import { informOfGauge, type PointsFor, rangeArgument } from './call.ts';
import type { Points } from './points.ts';
import { Windows } from './window.ts';

// rate, increase and delta over `anchored` and `smoothed` ranges: nothing is stretched, for the ends of the range are known.

export async function extendedGrowth(
  call: FunctionCall,
  growth: Growth,
  window: Window,
  pointsFor: PointsFor,
): Promise<Series[]> {
  const { scope, expr, grid } = call;
  const range = rangeArgument(expr);
  const windows = new Windows(grid, wholeWindow(window));
  const out: Series[] = [];
  for (const points of await pointsFor(scope, range, grid)) {
    windows.load(points);
    if (windows.longest === 0) continue;
    scope.meter.need((out.length + 1) * grid.steps);
    const draft = new SeriesDraft(emptySeries(points.labels, grid.steps, points.dropName));
    const notes = new HistogramNotes(scope.notes, range.position, labelValue(points.labels, METRIC_NAME));
    for (let k = 0; k < grid.steps; k++) {
      const at = rangeAt(windows, window, k);
      if (at.to > at.from) draft.put(k, grownIn(points, at, growth, notes));
      const pause = scope.meter.pulse((at.to - at.from) * (points.histograms ? HISTOGRAM_WORK : 1));
      if (pause) await pause;
    }
    const series = draft.finish();
    if (isAbsent(series)) continue;
    if (growth.counter && !isAbsent(floatsOf(series))) informOfGauge(scope, range, points);
    out.push(withoutName(series, scope.delayedNames));
  }
  return out;
}

function rangeAt(windows: Windows, { rangeMs, beyond }: Window, step: number): Range {
  const { extension, behindMs } = must(beyond, 'the range is extended');
  const endMs = windows.endMs(step) - behindMs;
  return {
    from: windows.from[step] as number,
    to: windows.to[step] as number,
    startMs: endMs - rangeMs,
    endMs,
    smoothed: extension === 'smoothed',
  };
}

function grownIn({ timestampsMs, values, histograms }: Points, range: Range, growth: Growth, notes: HistogramNotes) {
  if (histograms === undefined) return boundedGrowth(timestampsMs, values, range, growth);
  let count = 0;
  for (let i = range.from; i < range.to; i++) if (histograms[i] !== undefined) count++;
  if (count === 0) return boundedGrowth(timestampsMs, values, range, growth);
  if (count === range.to - range.from) return boundedHistogramGrowth(timestampsMs, histograms, range, growth, notes);
  notes.mixedWithFloats();
  return undefined;
}

/** The points of an extended range, with one on each of its ends; undefined: nothing is known of it. Throws `PROMQL_EXECUTION`. */
export function extendedPoints(range: MatrixSelector, points: Points, window: Window, grid: Grid): Points | undefined {
  const windows = new Windows(grid, wholeWindow(window));
  windows.load(points);
  const at = rangeAt(windows, window, 0);
  if (at.to === at.from) return undefined;
  const { timestampsMs, values, histograms } = points;
  if (histograms?.slice(at.from, at.to).some(Boolean)) {
    throw executionError(`${range.selector.extension} modifier is not supported with histograms`, range.position);
  }
  const boundary = boundaryOf(timestampsMs, at);
  if (boundary === undefined) return undefined;
  const [left, right] = endsOf(timestampsMs, values, boundary, at, false);
  const [low, high] = inside(timestampsMs, boundary, at);
  return {
    labels: points.labels,
    dropName: points.dropName,
    timestampsMs: Float64Array.of(at.startMs, ...timestampsMs.subarray(low, high), at.endMs),
    values: Float64Array.of(left, ...values.subarray(low, high), right),
  };
}
