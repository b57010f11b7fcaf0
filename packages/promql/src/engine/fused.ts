import { must } from '@tidemark/base';
import { type Labels, METRIC_NAME } from '@tidemark/model';
import type { WindowFunction } from '../function/definition.ts';
import { FUNCTIONS } from '../function/registry.ts';
import type { Aggregate, MatrixSelector, VectorSelector } from '../language/ast.ts';
import { withoutParens } from '../language/ast.ts';
import { compareLabels, hasMoreMetadata, omitMetadata } from '../value/label-set.ts';
import { LABEL_WORK } from '../value/pace.ts';
import { emptySeries, type Grid, isAbsent, type Series } from '../value/value.ts';
import { type AccumulatedOperator, type Accumulator, accumulator, type Columns } from './accumulate.ts';
import { informOfGauge, reduceAll } from './call.ts';
import { groupingOf } from './grouping.ts';
import { pointsOf } from './points.ts';
import type { Scope } from './scope.ts';
import { instantsOf } from './selector.ts';
import { Windows } from './window.ts';

// Sums over selectors, as most questions are: `count({job="x"})`, `sum by (instance) (rate(y[5m]))`. Each series is evaluated into
// the same two columns and added to its group at once, so that ten thousand series cost no columns of their own.
//
//   series ──▶ values, present ──▶ group of its labels       one walk, in the source's order
//
// Where that could come out otherwise than the long way (an average that overflows, names that would collide), the answer is
// undefined, and the long way is taken.

const FUSED: ReadonlySet<string> = new Set<AccumulatedOperator>(['sum', 'avg', 'count', 'group', 'min', 'max']);

interface FusedGroup {
  readonly result: Series;
  readonly gathered: Accumulator;
}

/** Undefined: not of this kind, or not to be had this way. */
export async function aggregateFused(
  scope: Scope,
  expr: Aggregate,
  grid: Grid,
): Promise<readonly Series[] | undefined> {
  if (!FUSED.has(expr.operator) || expr.param !== undefined || scope.delayedNames) return undefined;
  const groups = new Groups(scope, expr, grid);
  const inner = withoutParens(expr.expr);
  if (inner.kind === 'vectorSelector' && !scope.plan.invariant.has(inner)) {
    return (await addInstants(scope, inner, grid, groups)) ? groups.finish() : undefined;
  }
  if (inner.kind !== 'call' || scope.plan.invariant.has(inner) || inner.args.length !== 1) return undefined;
  const range = withoutParens(must(inner.args[0]));
  const definition = FUNCTIONS.get(inner.name);
  if (range.kind !== 'matrixSelector' || definition?.kind !== 'window') return undefined;
  return (await addWindows(scope, definition, range, grid, groups)) ? groups.finish() : undefined;
}

class Groups {
  readonly #grid: Grid;
  readonly #scope: Scope;
  readonly #operator: AccumulatedOperator;
  readonly #grouping: ReturnType<typeof groupingOf>;
  /** Whether the name tells groups apart; where it does not, it need not be taken off. */
  readonly #byName: boolean;
  readonly #groups = new Map<string, FusedGroup>();

  constructor(scope: Scope, expr: Aggregate, grid: Grid) {
    this.#scope = scope;
    this.#grid = grid;
    this.#operator = expr.operator as AccumulatedOperator;
    this.#byName = !expr.without && expr.grouping.includes(METRIC_NAME);
    this.#grouping = groupingOf(expr);
  }

  add(labelsWithName: Labels, member: Columns, keepsName: boolean): void {
    const labels = keepsName || !this.#byName ? labelsWithName : omitMetadata(labelsWithName);
    const key = this.#grouping.keyOf(labels);
    let group = this.#groups.get(key);
    if (group === undefined) {
      this.#scope.meter.need((this.#groups.size + 1) * this.#grid.steps);
      const result = emptySeries(this.#grouping.labelsOf(labels), this.#grid.steps);
      group = { result, gathered: accumulator(this.#operator, result) };
      this.#groups.set(key, group);
    }
    group.gathered.add(member);
  }

  finish(): readonly Series[] | undefined {
    const out: Series[] = [];
    for (const { result, gathered } of this.#groups.values()) {
      if (gathered.finish().length > 0) return undefined;
      if (!isAbsent(result)) out.push(result);
    }
    return out.sort((a, b) => compareLabels(a.labels, b.labels));
  }
}

async function addInstants(scope: Scope, selector: VectorSelector, grid: Grid, groups: Groups): Promise<boolean> {
  if (scope.spans.has(selector)) return false;
  const instants = instantsOf(scope, selector, grid);
  const member = emptySeries([], grid.steps);
  for (const { labels, timestampsMs, values } of must(scope.selected.get(selector), 'the selector was selected')) {
    if (instants.fill(timestampsMs, values, member.values, member.present, false)) groups.add(labels, member, true);
    const pause = scope.meter.pulse(grid.steps + values.length + LABEL_WORK);
    if (pause) await pause;
  }
  return true;
}

async function addWindows(
  scope: Scope,
  definition: WindowFunction,
  range: MatrixSelector,
  grid: Grid,
  groups: Groups,
): Promise<boolean> {
  const { selector } = range;
  if (scope.spans.has(selector)) return false;
  // One name: without it, no two series are alike. With several, they may be.
  const oneName = selector.matchers.some(({ type, name }) => type === '=' && name === METRIC_NAME);
  if (!definition.keepsName && !oneName) return false;
  const windows = new Windows(grid, must(scope.plan.windows.get(range), 'the range was planned'));
  const member = emptySeries([], grid.steps);
  for (const series of must(scope.selected.get(selector), 'the selector was selected')) {
    const points = pointsOf(series);
    windows.load(points);
    if (windows.longest < definition.pointsMin) continue;
    const { labels } = points;
    if (!definition.keepsName && hasMoreMetadata(labels)) return false;
    member.present.fill(0);
    const pause = reduceAll(scope, definition, windows, [], member);
    if (pause) await pause;
    if (definition.counter) informOfGauge(scope, range, points);
    groups.add(labels, member, definition.keepsName);
  }
  return true;
}
