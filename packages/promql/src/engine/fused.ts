import { must } from '@tidemark/base';
import { METRIC_NAME, type SelectedSeries } from '@tidemark/model';
import type { WindowFunction } from '../function/definition.ts';
import { FUNCTIONS } from '../function/registry.ts';
import type { Aggregate, Expr, MatrixSelector, VectorSelector } from '../language/ast.ts';
import { childrenOf, withoutParens } from '../language/ast.ts';
import { compareLabels, hasMoreMetadata, omitMetadata } from '../value/label-set.ts';
import { LABEL_WORK } from '../value/pace.ts';
import { emptySeries, type Grid, isAbsent, type Series } from '../value/value.ts';
import { type AccumulatedOperator, type Accumulator, accumulator, type Columns } from './accumulate.ts';
import { informOfGauge, reduceAll } from './call.ts';
import { groupingOf } from './grouping.ts';
import { countStale, pointsOf } from './points.ts';
import type { Scope } from './scope.ts';
import { instantsOf } from './selector.ts';
import type { Instants } from './staleness.ts';
import { Windows } from './window.ts';

// Sums over selectors, as most questions are: `count({job="x"})`, `sum by (instance) (rate(y[5m]))`. Each series is evaluated into
// the same two columns and added to its group at once, so that ten thousand series cost no columns of their own.
//
//   series ──▶ values, present ──▶ group of its labels       one walk, in the source's order
//
// A source that hands its series over one at a time (`each`) never holds them all: they are added while it reads. Where that could
// come out otherwise than the long way (an average that overflows, names that would collide, native histograms), there is no result, and the long
// way is taken.

const FUSED: ReadonlySet<string> = new Set<AccumulatedOperator>(['sum', 'avg', 'count', 'group', 'min', 'max']);

/** What of a query an aggregation over a selector needs. */
export type FusedScope = Pick<Scope, 'plan' | 'meter' | 'notes' | 'delayedNames'>;

interface FusedGroup {
  readonly result: Series;
  readonly gathered: Accumulator;
}

/** Takes the series of a selector one by one; then `finish`. */
export interface Fused {
  readonly selector: VectorSelector;
  /** Await what it returns, if anything. */
  add(series: SelectedSeries): Promise<void> | undefined;
  /** By labels. Undefined: not to be had this way. */
  finish(): readonly Series[] | undefined;
}

/** Undefined: not of this kind. */
export function fuse(scope: FusedScope, expr: Aggregate, grid: Grid): Fused | undefined {
  if (!FUSED.has(expr.operator) || expr.param !== undefined || scope.delayedNames) return undefined;
  const inner = withoutParens(expr.expr);
  if (scope.plan.invariant.has(inner)) return undefined;
  if (inner.kind === 'vectorSelector' && inner.extension === 'smoothed') return undefined;
  if (inner.kind === 'vectorSelector') return new FusedInstants(scope, inner, grid, new Groups(scope, expr, grid));
  if (inner.kind !== 'call' || inner.args.length !== 1) return undefined;
  const range = withoutParens(must(inner.args[0]));
  const definition = FUNCTIONS.get(inner.name);
  if (range.kind !== 'matrixSelector' || definition?.kind !== 'window') return undefined;
  if (range.selector.extension !== undefined) return undefined;
  // One name: without it, no two series are alike. With several, they may be.
  const oneName = range.selector.matchers.some(({ type, name }) => type === '=' && name === METRIC_NAME);
  if (!definition.keepsName && !oneName) return undefined;
  return new FusedWindows(scope, definition, range, grid, new Groups(scope, expr, grid));
}

export interface FusedAggregate {
  readonly expr: Aggregate;
  readonly fused: Fused;
}

/** Those of a query that may be made while their selectors are read, by selector: what is evaluated on its own grid, and once. */
export function fusedAtOnce(scope: FusedScope, root: Expr, grid: Grid): ReadonlyMap<VectorSelector, FusedAggregate> {
  const found = new Map<VectorSelector, FusedAggregate>();
  const visit = (expr: Expr): void => {
    if (expr.kind === 'subquery' || (grid.steps > 1 && scope.plan.invariant.has(expr))) return;
    const fused = expr.kind === 'aggregate' ? fuse(scope, expr, grid) : undefined;
    if (expr.kind === 'aggregate' && fused) found.set(fused.selector, { expr, fused });
    else for (const child of childrenOf(expr)) visit(child);
  };
  visit(root);
  return found;
}

/** Undefined: not of this kind, or not to be had this way. */
export async function aggregateFused(
  scope: Scope,
  expr: Aggregate,
  grid: Grid,
): Promise<readonly Series[] | undefined> {
  const known = scope.fused.get(expr);
  if (known) return known;
  const fused = fuse(scope, expr, grid);
  if (fused === undefined || scope.spans.has(fused.selector)) return undefined;
  for (const series of must(scope.selected.get(fused.selector), 'the selector was selected')) {
    const pause = fused.add(series);
    if (pause) await pause;
  }
  return fused.finish();
}

class Groups {
  readonly #grid: Grid;
  readonly #scope: FusedScope;
  readonly #operator: AccumulatedOperator;
  readonly #grouping: ReturnType<typeof groupingOf>;
  /** Whether the name tells groups apart; where it does not, it need not be taken off. */
  readonly #byName: boolean;
  readonly #groups = new Map<string, FusedGroup>();
  /** All series are one group: their labels need not be looked at. */
  readonly #isOne: boolean;
  #only: FusedGroup | undefined;

  constructor(scope: FusedScope, expr: Aggregate, grid: Grid) {
    this.#scope = scope;
    this.#grid = grid;
    this.#operator = expr.operator as AccumulatedOperator;
    this.#byName = !expr.without && expr.grouping.includes(METRIC_NAME);
    this.#grouping = groupingOf(expr);
    this.#isOne = !expr.without && expr.grouping.length === 0;
  }

  add(series: SelectedSeries, member: Columns, keepsName: boolean): void {
    if (this.#only !== undefined) {
      this.#only.gathered.add(member);
      return;
    }
    const labels = keepsName || !this.#byName ? series.labels : omitMetadata(series.labels);
    const key = this.#grouping.keyOf(labels);
    let group = this.#groups.get(key);
    if (group === undefined) {
      this.#scope.meter.need((this.#groups.size + 1) * this.#grid.steps);
      const result = emptySeries(this.#grouping.labelsOf(labels), this.#grid.steps);
      group = { result, gathered: accumulator(this.#operator, result) };
      this.#groups.set(key, group);
      if (this.#isOne) this.#only = group;
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

class FusedInstants implements Fused {
  readonly selector: VectorSelector;
  readonly #scope: FusedScope;
  readonly #groups: Groups;
  readonly #instants: Instants;
  readonly #member: Series;
  /** Some values are native histograms. */
  #isMixed = false;

  constructor(scope: FusedScope, selector: VectorSelector, grid: Grid, groups: Groups) {
    this.selector = selector;
    this.#scope = scope;
    this.#groups = groups;
    this.#instants = instantsOf(scope, selector, grid);
    this.#member = emptySeries([], grid.steps);
  }

  add(series: SelectedSeries): Promise<void> | undefined {
    const { timestampsMs, values, histograms } = series;
    if (histograms !== undefined) this.#isMixed = true;
    if (this.#isMixed) return undefined;
    const member = this.#member;
    const any = this.#instants.fill(timestampsMs, values, member.values, member.present, false);
    if (any) this.#groups.add(series, member, true);
    return this.#scope.meter.pulse(member.values.length + values.length + LABEL_WORK);
  }

  finish(): readonly Series[] | undefined {
    return this.#isMixed ? undefined : this.#groups.finish();
  }
}

class FusedWindows implements Fused {
  readonly selector: VectorSelector;
  readonly #scope: FusedScope;
  readonly #definition: WindowFunction;
  readonly #range: MatrixSelector;
  readonly #groups: Groups;
  readonly #windows: Windows;
  readonly #member: Series;
  /** Type or unit are labels of some series: without them, two may be alike. Or some values are native histograms. */
  #refused = false;
  #informed = false;

  constructor(scope: FusedScope, definition: WindowFunction, range: MatrixSelector, grid: Grid, groups: Groups) {
    this.selector = range.selector;
    this.#scope = scope;
    this.#definition = definition;
    this.#range = range;
    this.#groups = groups;
    this.#windows = new Windows(grid, must(scope.plan.windows.get(range), 'the range was planned'));
    this.#member = emptySeries([], grid.steps);
  }

  add(series: SelectedSeries): Promise<void> | undefined {
    const definition = this.#definition;
    const windows = this.#windows;
    if (series.histograms !== undefined) this.#refused = true;
    if (this.#refused) return undefined;
    const { values } = series;
    windows.load(countStale(values) === 0 ? series : pointsOf(series));
    if (windows.longest < definition.pointsMin) return undefined;
    const { labels } = series;
    if (!definition.keepsName && hasMoreMetadata(labels)) {
      this.#refused = true;
      return undefined;
    }
    this.#member.present.fill(0);
    const pause = reduceAll(this.#scope, definition, windows, NO_SCALARS, this.#member);
    if (pause) return pause.then(() => this.#addReduced(series));
    this.#addReduced(series);
    return undefined;
  }

  finish(): readonly Series[] | undefined {
    return this.#refused ? undefined : this.#groups.finish();
  }

  #addReduced(series: SelectedSeries): void {
    const { counter, keepsName } = this.#definition;
    // All have one name, and neither type nor unit: what is to be said of one is said of all.
    if (counter && !this.#informed) {
      informOfGauge(this.#scope, this.#range, { labels: series.labels, dropName: false });
      this.#informed = true;
    }
    this.#groups.add(series, this.#member, keepsName);
  }
}

const NO_SCALARS: readonly Float64Array[] = [];
