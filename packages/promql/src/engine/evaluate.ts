import { assert, must } from '@tidemark/base';
import { multiplied } from '../histogram/arithmetic.ts';
import type { Expr, Subquery, Unary } from '../language/ast.ts';
import { subqueryGrid } from '../plan/plan.ts';
import { mergeSameLabels, withoutName } from '../value/merge.ts';
import { type Grid, type Series, slotsOf, type Value } from '../value/value.ts';
import { aggregate } from './aggregate.ts';
import { evaluateBinary } from './binary.ts';
import { evaluateCall } from './call.ts';
import { aggregateFused } from './fused.ts';
import { type Points, pointsOf, pointsOfSteps } from './points.ts';
import { type Scope, sortedSeries } from './scope.ts';
import { selectInstants } from './selector.ts';

// The walk over the tree: children first, each once for all steps of the grid, then the operation over whole columns.
//
// What is the same at every step is evaluated on a grid of one and spread. Whoever consumes a value gives its slots back to
// the meter, so that the limit is on what is held at one time.

export async function evaluate(scope: Scope, expr: Expr, grid: Grid): Promise<Value> {
  if (grid.steps > 1 && scope.plan.invariant.has(expr) && expr.kind !== 'number' && expr.kind !== 'string') {
    const once = await evaluateEach(scope, expr, { ...grid, steps: 1 });
    return taken(scope, spread(once, grid.steps));
  }
  return taken(scope, await evaluateEach(scope, expr, grid));
}

function taken(scope: Scope, value: Value): Value {
  scope.meter.take(slotsOf(value));
  return value;
}

async function evaluateEach(scope: Scope, expr: Expr, grid: Grid): Promise<Value> {
  switch (expr.kind) {
    case 'number':
      return { kind: 'scalar', values: new Float64Array(grid.steps).fill(expr.value) };
    case 'string':
      return { kind: 'string', text: expr.value };
    case 'paren': {
      const value = await evaluate(scope, expr.expr, grid);
      scope.meter.release(slotsOf(value));
      return value;
    }
    case 'vectorSelector':
      return { kind: 'vector', series: await selectInstants(scope, expr, grid) };
    case 'matrixSelector':
    case 'subquery':
      // A range vector has no columns; the functions over it cut their windows from `pointsFor`.
      return { kind: 'vector', series: [] };
    case 'unary': {
      const value = await evaluate(scope, expr.expr, grid);
      scope.meter.release(slotsOf(value));
      return negated(scope, expr, grid, value);
    }
    case 'call': {
      // What info() takes second only says which labels.
      const evaluated = expr.name === 'info' ? expr.args.slice(0, 1) : expr.args;
      const args = await evaluateAll(scope, evaluated, grid);
      const result = await evaluateCall(scope, expr, grid, args, pointsFor);
      release(scope, args);
      return result;
    }
    case 'aggregate': {
      const fused = await aggregateFused(scope, expr, grid);
      if (fused) return { kind: 'vector', series: fused };
      const args = await evaluateAll(scope, expr.param ? [expr.param, expr.expr] : [expr.expr], grid);
      const result = await aggregate(scope, expr, grid, must(args[args.length - 1]), expr.param && args[0]);
      release(scope, args);
      return result;
    }
    case 'binary': {
      const args = await evaluateAll(scope, [expr.left, expr.right], grid);
      const result = await evaluateBinary(scope, expr, grid, must(args[0]), must(args[1]));
      release(scope, args);
      return result;
    }
  }
}

async function evaluateAll(scope: Scope, list: readonly Expr[], grid: Grid): Promise<Value[]> {
  const values: Value[] = [];
  for (const expr of list) values.push(await evaluate(scope, expr, grid));
  return values;
}

function release(scope: Scope, values: readonly Value[]): void {
  for (const value of values) scope.meter.release(slotsOf(value));
}

/** The points a range vector cuts its windows from, without stale markers. */
export async function pointsFor(scope: Scope, expr: Expr, grid: Grid): Promise<readonly Points[]> {
  if (expr.kind === 'subquery') return subqueryPoints(scope, expr, grid);
  assert(expr.kind === 'matrixSelector', 'points are cut from range vectors only');
  const known = scope.points.get(expr.selector);
  if (known) return known;
  const resets = scope.plan.totalsOnly.has(expr.selector);
  const points = sortedSeries(scope, expr.selector).map((one) => pointsOf(one, resets));
  scope.points.set(expr.selector, points);
  return points;
}

async function subqueryPoints(scope: Scope, expr: Subquery, grid: Grid): Promise<readonly Points[]> {
  const window = must(scope.plan.windows.get(expr), 'the subquery was planned');
  const stepMs = must(scope.plan.subquerySteps.get(expr), 'the subquery was planned');
  const inner = subqueryGrid(window, stepMs, grid);
  if (inner.steps === 0) return [];
  const value = await evaluate(scope, expr.expr, inner);
  scope.meter.release(slotsOf(value));
  return value.kind === 'vector' ? value.series.map((series) => pointsOfSteps(series, inner)) : [];
}

async function negated(scope: Scope, expr: Unary, grid: Grid, value: Value): Promise<Value> {
  if (expr.operator === '+' || value.kind === 'string') return value;
  if (value.kind === 'scalar') return { kind: 'scalar', values: value.values.map((v) => -v) };
  const series = value.series.map((one) => {
    const negative = { ...withoutName(one, scope.delayedNames), values: one.values.map((v) => -v) };
    if (one.histograms === undefined) return negative;
    return { ...negative, histograms: one.histograms.map((histogram) => histogram && multiplied(histogram, -1)) };
  });
  return { kind: 'vector', series: await mergeSameLabels(series, grid, scope.meter) };
}

/** The value of one step at every step. */
function spread(value: Value, steps: number): Value {
  if (value.kind === 'string') return value;
  if (value.kind === 'scalar')
    return { kind: 'scalar', values: new Float64Array(steps).fill(value.values[0] as number) };
  const series: Series[] = value.series.map((one) => ({
    ...one,
    values: new Float64Array(steps).fill(one.values[0] as number),
    present: new Uint8Array(steps).fill(one.present[0] as number),
    ...(one.histograms ? { histograms: new Array(steps).fill(one.histograms[0]) } : {}),
  }));
  return { kind: 'vector', series };
}
