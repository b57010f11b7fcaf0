import { must, TidemarkError } from '@tidemark/base';
import { columnsRead, FROM_SPANS, INSTANT_READS, SAMPLES_READ } from '../function/from-spans.ts';
import {
  type Call,
  childrenOf,
  type Duration,
  type Expr,
  type Extension,
  type MatrixSelector,
  type Subquery,
  type VectorSelector,
} from '../language/ast.ts';
import { durationSeconds } from '../language/duration.ts';
import { executionError } from '../language/errors.ts';
import type { Grid } from '../value/value.ts';
import { infoSelector, infoTimes } from './info.ts';
import { findInvariant } from './step-invariant.ts';
import { findTotalsOnly } from './totals-only.ts';
import type { SelectorUse } from './use.ts';

// What is known before a single sample is read: how long each range and offset is, where each `@` points, which parts are
// the same at every step, and what each selector needs of the source.
//
//   max_over_time( rate(x[5m])[1h:1m] offset 1d )          evaluated at 12:00 .. 13:00
//                       │        └ grid of the subquery: 11:01 .. 13:00 a day ago, a step a minute
//                       └ select once: (10:56, 13:00] a day ago

export interface Window {
  readonly rangeMs: number;
  readonly offsetMs: number;
  /** Where `@` pins it; undefined: at each step. */
  readonly atMs: number | undefined;
  /** What `anchored` and `smoothed` see before the range and behind it. */
  readonly beyond?: { readonly extension: Extension; readonly beforeMs: number; readonly behindMs: number };
}

/** The window with what is seen beyond it. */
export function wholeWindow({ rangeMs, offsetMs, atMs, beyond }: Window): Window {
  if (beyond === undefined) return { rangeMs, offsetMs, atMs };
  const { beforeMs, behindMs } = beyond;
  return { rangeMs: beforeMs + rangeMs + behindMs, offsetMs: offsetMs - behindMs, atMs };
}

/** What one selector reads: `(afterMs, untilMs]`. */
export interface Need {
  readonly selector: VectorSelector;
  readonly afterMs: number;
  readonly untilMs: number;
  readonly use: SelectorUse;
}

export interface Plan {
  readonly windows: ReadonlyMap<VectorSelector | MatrixSelector | Subquery, Window>;
  /** Steps of subqueries. */
  readonly subquerySteps: ReadonlyMap<Subquery, number>;
  readonly invariant: ReadonlySet<Expr>;
  /** Of whose native histograms only count and sum are asked, by histogram_count and its like. */
  readonly totalsOnly: ReadonlySet<VectorSelector>;
  /** What each info() reads of info series. */
  readonly infos: ReadonlyMap<Call, VectorSelector>;
  readonly needs: readonly Need[];
}

export interface PlanSettings {
  readonly lookbackMs: number;
  readonly subqueryStepMs: number;
  /** Steps one subquery may have. */
  readonly maxSubquerySteps: number;
}

/** Whether there is anything at all is a row's to say, too. */
const ANSWERED_BY_ROWS: ReadonlySet<string> = new Set([...FROM_SPANS.keys(), 'absent_over_time']);

/** Throws `PROMQL_EXECUTION` when a length of time comes to nothing usable, `PROMQL_LIMIT`. */
export function planQuery(expr: Expr, grid: Grid, settings: PlanSettings): Plan {
  const windows = new Map<VectorSelector | MatrixSelector | Subquery, Window>();
  const subquerySteps = new Map<Subquery, number>();
  const infos = new Map<Call, VectorSelector>();
  const needs: Need[] = [];
  const endMs = grid.startMs + (grid.steps - 1) * grid.stepMs;
  const scope = { stepSeconds: grid.stepMs / 1000, rangeSeconds: (endMs - grid.startMs) / 1000 };

  function lengthMs(duration: Duration, node: Expr): number {
    const ms = Math.round((durationSeconds(duration, scope) ?? Number.NaN) * 1000);
    if (Number.isSafeInteger(ms)) return ms;
    throw executionError('duration expression is not a finite number of milliseconds', node.position);
  }

  function positiveMs(duration: Duration, node: Expr): number {
    const ms = lengthMs(duration, node);
    if (ms > 0) return ms;
    throw executionError('duration must be greater than 0', node.position);
  }

  function windowOf(node: VectorSelector | Subquery, rangeMs: number): Window {
    const offsetMs = node.offset ? lengthMs(node.offset, node) : 0;
    const { at } = node;
    const atMs = at === undefined ? undefined : at.kind === 'time' ? at.ms : at.kind === 'start' ? grid.startMs : endMs;
    return { rangeMs, offsetMs, atMs };
  }

  function extended(window: Window, { extension }: VectorSelector): Window {
    if (extension === undefined) return window;
    const { lookbackMs } = settings;
    return {
      ...window,
      beyond: { extension, beforeMs: lookbackMs, behindMs: extension === 'smoothed' ? lookbackMs : 0 },
    };
  }

  function need(
    selector: VectorSelector,
    asked: Window,
    within: Grid,
    kind: SelectorUse['kind'],
    functionName?: string,
  ): void {
    const window = wholeWindow(asked);
    const firstMs = (window.atMs ?? within.startMs) - window.offsetMs;
    const lastMs = (window.atMs ?? lastOf(within)) - window.offsetMs;
    const stepMs = window.atMs === undefined && within.steps > 1 ? within.stepMs : 0;
    const columns = columnsOf(kind, functionName);
    const use = { kind, functionName, columns, rangeMs: window.rangeMs, firstMs, stepMs };
    needs.push({ selector, afterMs: firstMs - window.rangeMs, untilMs: lastMs, use });
  }

  /** Info series are read as of when the first selector of the argument is. */
  function needInfo(node: Call, within: Grid): void {
    const selector = infoSelector(node);
    const times = infoTimes(must(node.args[0])).map((one) => windowOf(one, settings.lookbackMs));
    const offsetMs = times.reduce((sum, one) => sum + one.offsetMs, 0);
    const window = { rangeMs: settings.lookbackMs, offsetMs, atMs: times[times.length - 1]?.atMs };
    infos.set(node, selector);
    windows.set(selector, window);
    need(selector, window, within, 'instant');
  }

  /** `caller`: the function whose argument the node is. */
  function visit(node: Expr, within: Grid, caller?: string): void {
    if (node.kind === 'vectorSelector') {
      const window = windowOf(node, settings.lookbackMs);
      windows.set(node, window);
      // The line between two samples goes through times that are not in the lookback.
      if (node.extension === 'smoothed') {
        const beyond = { extension: node.extension, beforeMs: 0, behindMs: settings.lookbackMs };
        windows.set(node, { ...window, beyond });
        need(node, { ...window, beyond }, within, 'samples');
      } else need(node, window, within, 'instant');
    } else if (node.kind === 'matrixSelector') {
      const { extension } = node.selector;
      if (extension !== undefined && caller !== undefined) checkExtension(extension, caller, node);
      const window = extended(windowOf(node.selector, positiveMs(node.range, node)), node.selector);
      windows.set(node, window);
      const byRows = extension === undefined && caller !== undefined && ANSWERED_BY_ROWS.has(caller);
      need(node.selector, window, within, byRows ? 'rows' : 'samples', caller);
    } else if (node.kind === 'subquery') {
      const window = windowOf(node, positiveMs(node.range, node));
      const stepMs = node.step ? positiveMs(node.step, node) : settings.subqueryStepMs;
      windows.set(node, window);
      subquerySteps.set(node, stepMs);
      const inner = subqueryGrid(window, stepMs, within);
      if (inner.steps > settings.maxSubquerySteps) throw tooManySteps(inner.steps, settings.maxSubquerySteps);
      visit(node.expr, inner);
    } else if (node.kind === 'call' && node.name === 'info') {
      visit(must(node.args[0]), within, node.name);
      needInfo(node, within);
    } else {
      const called = node.kind === 'call' ? node.name : node.kind === 'paren' ? caller : undefined;
      for (const child of childrenOf(node)) visit(child, within, called);
    }
  }

  visit(expr, grid);
  return { windows, subquerySteps, invariant: findInvariant(expr), totalsOnly: findTotalsOnly(expr), infos, needs };
}

const TAKES_ANCHORED = ['changes', 'delta', 'increase', 'rate', 'resets'];
const TAKES_SMOOTHED = ['delta', 'increase', 'rate'];

function checkExtension(extension: Extension, caller: string, node: Expr): void {
  const takes = extension === 'anchored' ? TAKES_ANCHORED : TAKES_SMOOTHED;
  if (takes.includes(caller)) return;
  throw executionError(
    `${extension} modifier can only be used with: ${takes.join(', ')} - not with ${caller}`,
    node.position,
  );
}

function columnsOf(kind: SelectorUse['kind'], functionName = '') {
  if (kind === 'rows') return columnsRead(functionName);
  return kind === 'instant' ? INSTANT_READS : SAMPLES_READ;
}

function tooManySteps(steps: number, limit: number): TidemarkError {
  return new TidemarkError('PROMQL_LIMIT', `a subquery has ${steps} steps, more than ${limit}`, {
    limit,
    actual: steps,
  });
}

export function lastOf(grid: Grid): number {
  return grid.startMs + (grid.steps - 1) * grid.stepMs;
}

/** The steps inside `(first - range, last]`, at whole multiples of the step; may be none. */
export function subqueryGrid(window: Window, stepMs: number, within: Grid): Grid {
  const afterMs = (window.atMs ?? within.startMs) - window.offsetMs - window.rangeMs;
  const untilMs = (window.atMs ?? lastOf(within)) - window.offsetMs;
  const startMs = (Math.floor(afterMs / stepMs) + 1) * stepMs;
  return { startMs, stepMs, steps: Math.max(0, Math.floor((untilMs - startMs) / stepMs) + 1) };
}
