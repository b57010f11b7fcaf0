import { must } from '@tidemark/base';
import type { VectorSelector } from '../language/ast.ts';
import { emptySeries, type Grid, isAbsent, type Series } from '../value/value.ts';
import { type Scope, sortedSeries } from './scope.ts';
import { fillInstantsFromSpans } from './span-instants.ts';
import { Instants } from './staleness.ts';
import { noteUncertain } from './uncertain.ts';

/** An instant vector at every step; with `times`, the samples' own times in seconds instead of their values. */
export async function selectInstants(
  scope: Scope,
  selector: VectorSelector,
  grid: Grid,
  times = false,
): Promise<readonly Series[]> {
  if (scope.spans.has(selector)) return selectFromSpans(scope, selector, grid, times);
  const instants = instantsOf(scope, selector, grid);
  const out: Series[] = [];
  for (const { labels, timestampsMs, values } of sortedSeries(scope, selector)) {
    scope.meter.need((out.length + 1) * grid.steps);
    const series = emptySeries(labels, grid.steps);
    if (instants.fill(timestampsMs, values, series.values, series.present, times)) out.push(series);
    const pause = scope.meter.pulse(grid.steps + values.length);
    if (pause) await pause;
  }
  return out;
}

/** The moments of a selector under a grid. */
export function instantsOf(scope: Pick<Scope, 'plan'>, selector: VectorSelector, grid: Grid): Instants {
  const { rangeMs: lookbackMs, offsetMs, atMs } = must(scope.plan.windows.get(selector), 'the selector was planned');
  return new Instants(grid.steps, (atMs ?? grid.startMs) - offsetMs, atMs === undefined ? grid.stepMs : 0, lookbackMs);
}

async function selectFromSpans(
  scope: Scope,
  selector: VectorSelector,
  grid: Grid,
  times: boolean,
): Promise<readonly Series[]> {
  const { rangeMs: lookbackMs, offsetMs, atMs } = must(scope.plan.windows.get(selector), 'the selector was planned');
  const firstMs = (atMs ?? grid.startMs) - offsetMs;
  const stepMs = atMs === undefined ? grid.stepMs : 0;
  const out: Series[] = [];
  for (const { labels, spans } of must(scope.spans.get(selector))) {
    scope.meter.need((out.length + 1) * grid.steps);
    const series = emptySeries(labels, grid.steps);
    const { values, present } = series;
    if (!fillInstantsFromSpans(spans, lookbackMs, firstMs, stepMs, values, present, times)) {
      noteUncertain(scope, selector);
    }
    if (!isAbsent(series)) out.push(series);
    const pause = scope.meter.pulse(grid.steps + spans.length);
    if (pause) await pause;
  }
  return out;
}
