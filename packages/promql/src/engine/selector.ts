import { must } from '@tidemark/base';
import { wordsOf } from '@tidemark/model';
import type { VectorSelector } from '../language/ast.ts';
import { emptySeries, type Grid, isAbsent, type Series } from '../value/value.ts';
import type { Scope } from './scope.ts';
import { fillInstantsFromSpans } from './span-instants.ts';
import { fillInstants } from './staleness.ts';
import { noteUncertain } from './uncertain.ts';

/** An instant vector at every step; with `times`, the samples' own times in seconds instead of their values. */
export async function selectInstants(
  scope: Scope,
  selector: VectorSelector,
  grid: Grid,
  times = false,
): Promise<readonly Series[]> {
  const { rangeMs: lookbackMs, offsetMs, atMs } = must(scope.plan.windows.get(selector), 'the selector was planned');
  const firstMs = (atMs ?? grid.startMs) - offsetMs;
  const stepMs = atMs === undefined ? grid.stepMs : 0;
  const out: Series[] = [];
  const spans = scope.spans.get(selector);
  if (spans) {
    for (const one of spans) {
      scope.meter.need((out.length + 1) * grid.steps);
      const series = emptySeries(one.labels, grid.steps);
      const { values, present } = series;
      if (!fillInstantsFromSpans(one.spans, lookbackMs, firstMs, stepMs, values, present, times)) {
        noteUncertain(scope, selector);
      }
      if (!isAbsent(series)) out.push(series);
      const pause = scope.meter.pulse(grid.steps + one.spans.length);
      if (pause) await pause;
    }
    return out;
  }
  for (const { labels, timestampsMs, values } of must(scope.selected.get(selector), 'the selector was selected')) {
    scope.meter.need((out.length + 1) * grid.steps);
    const series = emptySeries(labels, grid.steps);
    const source = { timestampsMs, values, words: wordsOf(values), lookbackMs };
    fillInstants(source, firstMs, stepMs, series.values, series.present, times);
    if (!isAbsent(series)) out.push(series);
    const pause = scope.meter.pulse(grid.steps + values.length);
    if (pause) await pause;
  }
  return out;
}
