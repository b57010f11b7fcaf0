import { assert, must } from '@tidemark/base';
import { labelsOf, labelValue, METRIC_NAME } from '@tidemark/model';
import type { FunctionCall, WindowFunction } from '../function/definition.ts';
import { FROM_SPANS } from '../function/from-spans.ts';
import { FUNCTIONS } from '../function/registry.ts';
import { type Call, type Expr, type MatrixSelector, type Subquery, withoutParens } from '../language/ast.ts';
import { unsupportedError } from '../language/errors.ts';
import { mergeSameLabels, withoutName } from '../value/merge.ts';
import { floatsOf } from '../value/mixed.ts';
import { emptySeries, type Grid, isAbsent, type Series, timeAt, type Value } from '../value/value.ts';
import type { Columns } from './accumulate.ts';
import { AnchoredWindows } from './anchored.ts';
import { extendedGrowth } from './extended.ts';
import { evaluateInfo } from './info.ts';
import { reduceMixed } from './mixed-call.ts';
import type { Points } from './points.ts';
import type { Scope } from './scope.ts';
import { selectInstants } from './selector.ts';
import { overSpans, seenInSpans } from './span-call.ts';
import { Windows } from './window.ts';

// Function calls: those that look at the selector itself are here, all others in function/.

export type PointsFor = (scope: Scope, expr: Expr, grid: Grid) => Promise<readonly Points[]>;

export async function evaluateCall(
  scope: Scope,
  expr: Call,
  grid: Grid,
  args: readonly Value[],
  pointsFor: PointsFor,
): Promise<Value> {
  const call: FunctionCall = { scope, expr, grid, args };
  switch (expr.name) {
    case 'timestamp':
      return { kind: 'vector', series: await mergeSameLabels(await timestamps(call), grid, scope.meter) };
    case 'info': {
      const value = await evaluateInfo(scope, expr, grid, must(args[0]));
      assert(value.kind === 'vector', 'info() gives a vector');
      return { kind: 'vector', series: await mergeSameLabels(value.series, grid, scope.meter) };
    }
    case 'absent':
      return absent(call);
    case 'absent_over_time':
      return absentOverTime(call, pointsFor);
  }
  const definition = FUNCTIONS.get(expr.name);
  if (!definition) throw unsupportedError(`the function ${expr.name}()`);
  if (definition.kind === 'window') {
    const series = await overWindows(call, definition, pointsFor);
    return { kind: 'vector', series: definition.keepsName ? series : await mergeSameLabels(series, grid, scope.meter) };
  }
  const value = await definition.run(call);
  return value.kind === 'vector'
    ? { kind: 'vector', series: await mergeSameLabels(value.series, grid, scope.meter) }
    : value;
}

export function rangeArgument(expr: Call): MatrixSelector | Subquery {
  const ranges = expr.args.map(withoutParens).filter((arg) => arg.kind === 'matrixSelector' || arg.kind === 'subquery');
  return must(ranges[0], 'the function has a range vector argument');
}

// Points looked at between two looks at the clock: about a millisecond of work.
const POINTS_PER_TURN = 100_000;

async function overWindows(call: FunctionCall, definition: WindowFunction, pointsFor: PointsFor): Promise<Series[]> {
  const { scope, expr, grid } = call;
  const range = rangeArgument(expr);
  const out: Series[] = [];
  const spans = range.kind === 'matrixSelector' ? scope.spans.get(range.selector) : undefined;
  if (spans && range.kind === 'matrixSelector') {
    const reduce = must(FROM_SPANS.get(expr.name), 'rows are selected for functions that they answer');
    const series = await overSpans(scope, range, grid, spans, reduce);
    if (definition.counter) for (const one of series) informOfGauge(scope, range, one);
    out.push(...(definition.keepsName ? series : series.map((one) => withoutName(one, scope.delayedNames))));
  }
  const window = must(scope.plan.windows.get(range), 'the range was planned');
  if (window.beyond !== undefined && definition.growth)
    return extendedGrowth(call, definition.growth, window, pointsFor);
  const windows = window.beyond ? new AnchoredWindows(grid, window) : new Windows(grid, window);
  const scalars = call.args.flatMap((arg) => (arg.kind === 'scalar' ? [arg.values] : []));
  let checked = false;
  for (const points of await pointsFor(scope, range, grid)) {
    windows.load(points);
    if (windows.longest < definition.pointsMin) continue;
    if (!checked) definition.checkArgs?.(call);
    checked = true;
    scope.meter.need((out.length + 1) * grid.steps);
    const series = emptySeries(points.labels, grid.steps, points.dropName);
    if (points.histograms !== undefined) {
      const mixed = await reduceMixed(call, definition, windows, points, points.histograms, scalars, series);
      if (definition.counter && !isAbsent(floatsOf(mixed))) informOfGauge(scope, range, points);
      out.push(definition.keepsName ? mixed : withoutName(mixed, scope.delayedNames));
      continue;
    }
    const pause = reduceAll(scope, definition, windows, scalars, series);
    if (pause) await pause;
    if (definition.counter) informOfGauge(scope, range, points);
    out.push(definition.keepsName ? series : withoutName(series, scope.delayedNames));
  }
  return out;
}

/** Fills a series from all windows. Await what it returns, if anything: many points are many turns. */
export function reduceAll(
  scope: Pick<Scope, 'meter'>,
  definition: WindowFunction,
  windows: Windows,
  scalars: readonly Float64Array[],
  series: Columns,
): Promise<void> | undefined {
  const { steps, longest } = windows;
  if (steps * longest > POINTS_PER_TURN) return reduceInTurns(scope, definition, windows, scalars, series);
  definition.reduceSteps(windows, series, 0, steps, scalars);
  return scope.meter.pulse(steps * longest);
}

async function reduceInTurns(
  scope: Pick<Scope, 'meter'>,
  definition: WindowFunction,
  windows: Windows,
  scalars: readonly Float64Array[],
  series: Columns,
): Promise<void> {
  const { steps, longest } = windows;
  const stepsPerTurn = Math.max(1, Math.floor(POINTS_PER_TURN / longest));
  for (let from = 0; from < steps; from += stepsPerTurn) {
    const to = Math.min(steps, from + stepsPerTurn);
    definition.reduceSteps(windows, series, from, to, scalars);
    const pause = scope.meter.pulse((to - from) * longest);
    if (pause) await pause;
  }
}

/** Says so when a metric that is rated does not look like a counter. */
export function informOfGauge(
  scope: Pick<Scope, 'notes'>,
  range: Expr,
  { labels, dropName }: Pick<Points, 'labels' | 'dropName'>,
): void {
  const name = labelValue(labels, METRIC_NAME);
  if (name === '' || dropName) return;
  const type = labelValue(labels, '__type__');
  if (type === 'counter' || type === 'histogram') return;
  const { notes } = scope;
  if (type !== '') {
    notes.info(
      `metric might not be a counter, __type__ label is not set to "counter" or "histogram", got ${JSON.stringify(type)}: ${JSON.stringify(name)}`,
      range.position,
    );
  } else if (!/_(?:total|sum|count|bucket)$/.test(name)) {
    notes.info(
      `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${JSON.stringify(name)}`,
      range.position,
    );
  }
}

/** Of a selector the samples' own times; of anything else the time of evaluation. */
async function timestamps(call: FunctionCall): Promise<Series[]> {
  const { scope, expr, grid, args } = call;
  const inner = withoutParens(must(expr.args[0]));
  if (inner.kind === 'vectorSelector') {
    const series = await selectInstants(scope, inner, grid, true);
    return series.map((one) => withoutName(one, scope.delayedNames));
  }
  const value = must(args[0]);
  assert(value.kind === 'vector', 'timestamp() takes a vector');
  const times = new Float64Array(grid.steps);
  for (let k = 0; k < grid.steps; k++) times[k] = timeAt(grid, k) / 1000;
  return value.series.map(({ histograms, ...one }) => ({ ...withoutName(one, scope.delayedNames), values: times }));
}

/** The labels an absent selector would have had: those it asked for by `=`, once each. */
function absentLabels(expr: Expr) {
  const inner = withoutParens(expr);
  const selector = inner.kind === 'matrixSelector' ? inner.selector : inner;
  if (selector.kind !== 'vectorSelector') return [];
  const { matchers } = selector;
  const asked = matchers.filter(
    ({ type, name }) => type === '=' && name !== METRIC_NAME && matchers.filter((m) => m.name === name).length === 1,
  );
  return labelsOf(asked.map(({ name, value }) => ({ name, value })));
}

function oneWhereNothing(call: FunctionCall, seen: Uint8Array): Value {
  const series = emptySeries(absentLabels(must(call.expr.args[0])), call.grid.steps);
  for (let k = 0; k < seen.length; k++) {
    if (seen[k] === 1) continue;
    series.values[k] = 1;
    series.present[k] = 1;
  }
  return { kind: 'vector', series: isAbsent(series) ? [] : [series] };
}

function absent(call: FunctionCall): Value {
  const seen = new Uint8Array(call.grid.steps);
  const value = must(call.args[0]);
  assert(value.kind === 'vector', 'absent() takes a vector');
  for (const { present } of value.series) for (let k = 0; k < seen.length; k++) if (present[k] === 1) seen[k] = 1;
  return oneWhereNothing(call, seen);
}

async function absentOverTime(call: FunctionCall, pointsFor: PointsFor): Promise<Value> {
  const { scope, expr, grid } = call;
  const range = rangeArgument(expr);
  const windows = new Windows(grid, must(scope.plan.windows.get(range), 'the range was planned'));
  const seen = new Uint8Array(grid.steps);
  const spans = range.kind === 'matrixSelector' ? scope.spans.get(range.selector) : undefined;
  if (spans && range.kind === 'matrixSelector') {
    await seenInSpans(scope, range, grid, spans, seen);
  }
  for (const points of await pointsFor(scope, range, grid)) {
    windows.load(points);
    for (let k = 0; k < grid.steps; k++) if ((windows.to[k] as number) > (windows.from[k] as number)) seen[k] = 1;
    const pause = scope.meter.pulse(grid.steps);
    if (pause) await pause;
  }
  return oneWhereNothing(call, seen);
}
