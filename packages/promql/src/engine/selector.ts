import { must } from '@tidemark/base';
import { isStaleAt, type SelectedHistograms, type SelectedSeries, wordsOf } from '@tidemark/model';
import type { VectorSelector } from '../language/ast.ts';
import { SeriesDraft } from '../value/mixed.ts';
import { emptySeries, type Grid, isAbsent, type Series } from '../value/value.ts';
import { histogramsByEntry } from './points.ts';
import { type Scope, sortedSeries } from './scope.ts';
import { smoothedInstants } from './smoothed.ts';
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
  if (selector.extension === 'smoothed' && !times) return smoothedInstants(scope, selector, grid);
  const fromSpans = scope.spans.has(selector) ? await selectFromSpans(scope, selector, grid, times) : [];
  const instants = instantsOf(scope, selector, grid);
  const resets = scope.plan.totalsOnly.has(selector);
  const out: Series[] = [...fromSpans];
  for (const selected of sortedSeries(scope, selector)) {
    const { labels, timestampsMs, values } = selected;
    scope.meter.need((out.length + 1) * grid.steps);
    if (selected.histograms !== undefined) {
      const mixed = mixedInstants(instants, selected, {
        histograms: selected.histograms,
        resets,
        times,
        steps: grid.steps,
      });
      if (!isAbsent(mixed)) out.push(mixed);
      const pause = scope.meter.pulse(grid.steps + values.length);
      if (pause) await pause;
      continue;
    }
    const series = emptySeries(labels, grid.steps);
    if (instants.fill(timestampsMs, values, series.values, series.present, times)) out.push(series);
    const pause = scope.meter.pulse(grid.steps + values.length);
    if (pause) await pause;
  }
  return out;
}

/** Of a series in which there are native histograms. */
function mixedInstants(
  instants: Instants,
  selected: SelectedSeries,
  asked: {
    readonly histograms: SelectedHistograms;
    readonly resets: boolean;
    readonly times: boolean;
    readonly steps: number;
  },
): Series {
  const { histograms, resets, times, steps } = asked;
  const { labels, timestampsMs, values } = selected;
  const words = wordsOf(values);
  const all = histogramsByEntry(selected, histograms, resets);
  const draft = new SeriesDraft(emptySeries(labels, steps));
  instants.entries(timestampsMs).forEach((i, k) => {
    const histogram = all[i];
    if (i < 0 || histogram === 'stale' || (histogram === undefined && isStaleAt(words, i))) return;
    draft.put(k, times ? (timestampsMs[i] as number) / 1000 : (histogram ?? (values[i] as number)));
  });
  return draft.finish();
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
