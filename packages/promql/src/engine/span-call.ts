import { must } from '@tidemark/base';
import type { SpanReduce } from '../function/from-spans.ts';
import type { MatrixSelector } from '../language/ast.ts';
import { countInside, type SpanSeries, type Spans } from '../value/spans.ts';
import { emptySeries, type Grid, isAbsent, type Series } from '../value/value.ts';
import type { Scope } from './scope.ts';
import { SpanWindows } from './span-windows.ts';
import { noteUncertain } from './uncertain.ts';

// Functions over ranges where rows stand for samples: the same walk as over points, by windows of spans.

/** One series for each that has a value; names as they were selected. */
export async function overSpans(
  scope: Scope,
  range: MatrixSelector,
  grid: Grid,
  list: readonly SpanSeries[],
  reduce: SpanReduce,
): Promise<Series[]> {
  const windows = new SpanWindows(grid, must(scope.plan.windows.get(range), 'the range was planned'));
  const out: Series[] = [];
  let uncertain = false;
  for (const { labels, spans } of list) {
    const longest = windows.load(spans);
    scope.meter.need((out.length + 1) * grid.steps);
    const series = emptySeries(labels, grid.steps);
    for (let k = 0; k < grid.steps; k++) {
      const value = reduceWindow(windows, spans, k, reduce);
      if (value === undefined) continue;
      series.values[k] = value;
      series.present[k] = 1;
      uncertain ||= windows.cuts(spans, k);
      const pause = scope.meter.pulse(longest);
      if (pause) await pause;
    }
    if (!isAbsent(series)) out.push(series);
  }
  if (uncertain) noteUncertain(scope, range);
  return out;
}

function reduceWindow(windows: SpanWindows, spans: Spans, step: number, reduce: SpanReduce): number | undefined {
  const from = windows.from[step] as number;
  const to = windows.to[step] as number;
  if (from >= to) return undefined;
  const untilMs = windows.endMs(step);
  return reduce({ spans, from, to, afterMs: untilMs - windows.rangeMs, untilMs });
}

/** Marks the steps at whose windows some series has a sample. */
export async function seenInSpans(
  scope: Scope,
  range: MatrixSelector,
  grid: Grid,
  list: readonly SpanSeries[],
  seen: Uint8Array,
): Promise<void> {
  const windows = new SpanWindows(grid, must(scope.plan.windows.get(range), 'the range was planned'));
  let uncertain = false;
  for (const { spans } of list) {
    windows.load(spans);
    for (let k = 0; k < grid.steps; k++) {
      const untilMs = windows.endMs(k);
      const afterMs = untilMs - windows.rangeMs;
      for (let i = windows.from[k] as number; i < (windows.to[k] as number) && seen[k] === 0; i++) {
        if (countInside(spans, i, afterMs, untilMs) > 0) seen[k] = 1;
      }
      uncertain ||= windows.cuts(spans, k);
    }
    const pause = scope.meter.pulse(grid.steps);
    if (pause) await pause;
  }
  if (uncertain) noteUncertain(scope, range);
}
