import { assert, type Clock, must, systemClock, TidemarkError } from '@tidemark/base';
import {
  formatMatcher,
  leftOpen,
  type SelectAnswer,
  type SelectedHistograms,
  type SelectedSeries,
  type SelectRequest,
} from '@tidemark/model';
import { type Aggregate, type Expr, type VectorSelector, withoutParens } from '../language/ast.ts';
import { typeError } from '../language/errors.ts';
import { parse } from '../language/parse.ts';
import { print } from '../language/print.ts';
import { typeOf } from '../language/types.ts';
import { type Need, type Plan, planQuery } from '../plan/plan.ts';
import type { SelectorUse } from '../plan/use.ts';
import { Annotations } from '../value/annotations.ts';
import { compareLabels } from '../value/label-set.ts';
import { dropDelayedNames } from '../value/merge.ts';
import { SPAN_SLOTS, type SpanSeries } from '../value/spans.ts';
import type { Grid, Series } from '../value/value.ts';
import { evaluate, pointsFor } from './evaluate.ts';
import { extendedPoints } from './extended.ts';
import { type Fused, type FusedAggregate, fusedAtOnce } from './fused.ts';
import { DEFAULT_LIMITS, type EngineLimits, Meter } from './limits.ts';
import { matrixData, type QueryData, type QueryResult, vectorData } from './result.ts';
import type { Scope } from './scope.ts';
import { Windows } from './window.ts';

// One query from text to answer:
//
//   parse ─▶ plan ─▶ select (all selectors at once, each once) ─▶ evaluate ─▶ answer
//                       │  └ what is a sum over one selector is summed while the source reads (fused.ts)
//                       └ the only place that waits for anybody else

/** What the engine asks of whatever holds series: a SeriesSource will do. */
export interface Queryable {
  select(request: SelectorRequest): Promise<SelectorAnswer>;
}

export interface SelectorRequest extends SelectRequest {
  readonly use: SelectorUse;
}

export interface SelectorAnswer extends SelectAnswer<SelectedSeries> {
  /** Where `use` is answered by rows; `series` are then those that no span can stand for: with native histograms. */
  readonly spans?: readonly SpanSeries[];
  /** What the samples come from, finest first; absent: `raw`. */
  readonly resolutions?: readonly string[];
  /** False: samples are missing that the use would need; a warning says which. */
  readonly exact?: boolean;
}

export interface EngineOptions {
  /** How far back an instant selector looks for a sample. Prometheus: 5 min. */
  readonly lookbackMs: number;
  /** Step of a subquery that names none. Prometheus: the global evaluation interval, 1 min. */
  readonly subqueryStepMs: number;
  /** Keep names until the end of a query, as Prometheus does behind a flag. */
  readonly delayedNameRemoval: boolean;
  readonly limits: EngineLimits;
}

export interface QueryRequest {
  readonly tenant: string;
  /** Text, or what `parse` made of it. */
  readonly expression: string | Expr;
  readonly signal?: AbortSignal | undefined;
  /** Narrower limits for this query; the engine's own are never exceeded. */
  readonly limits?: Partial<EngineLimits> | undefined;
  readonly lookbackMs?: number | undefined;
}

export interface InstantRequest extends QueryRequest {
  readonly atMs: number;
}

export interface RangeRequest extends QueryRequest {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/**
 * Both throw `PROMQL_SYNTAX`, `PROMQL_TYPE`, `PROMQL_UNSUPPORTED`, `PROMQL_EXECUTION`, `PROMQL_LIMIT`, whatever the source
 * throws, and the signal's reason when cancelled. They give the event loop a turn every 20 ms of work.
 */
export interface Engine {
  instant(request: InstantRequest): Promise<QueryResult>;
  /** `[startMs, endMs]` in steps; requires whole milliseconds. */
  range(request: RangeRequest): Promise<QueryResult>;
}

export interface EngineParts {
  readonly source: Queryable;
  readonly options?: Partial<EngineOptions>;
  readonly clock?: Clock;
}

export const DEFAULT_OPTIONS: EngineOptions = {
  lookbackMs: 5 * 60_000,
  subqueryStepMs: 60_000,
  delayedNameRemoval: false,
  limits: DEFAULT_LIMITS,
};

export function createEngine({ source, options = {}, clock = systemClock }: EngineParts): Engine {
  const settings: EngineOptions = { ...DEFAULT_OPTIONS, ...options };
  const run = (request: QueryRequest, grid: Grid, instant: boolean) =>
    new Query(source, settings, clock, request).run(grid, instant);
  return {
    instant: (request) => run(request, { startMs: request.atMs, stepMs: 0, steps: 1 }, true),
    async range(request) {
      return run(request, gridOf(request, settings.limits, request.limits), false);
    },
  };
}

function gridOf({ startMs, endMs, stepMs }: RangeRequest, own: EngineLimits, wanted?: Partial<EngineLimits>): Grid {
  const refuse = (message: string) => new TidemarkError('PROMQL_EXECUTION', message, { startMs, endMs, stepMs });
  if (!(stepMs > 0)) throw refuse('the step of a range query must be greater than 0');
  if (endMs < startMs) throw refuse('the end of a range query must not be before its start');
  const steps = Math.floor((endMs - startMs) / stepMs) + 1;
  const limit = Math.min(own.maxSteps, wanted?.maxSteps ?? own.maxSteps);
  if (steps > limit) {
    throw new TidemarkError('PROMQL_LIMIT', `the range query has ${steps} steps, more than ${limit}`, {
      limit,
      actual: steps,
    });
  }
  return { startMs, stepMs, steps };
}

class Query {
  readonly #source: Queryable;
  readonly #settings: EngineOptions;
  readonly #request: QueryRequest;
  readonly #limits: EngineLimits;
  readonly #meter: Meter;
  readonly #signal: AbortSignal;
  #series = 0;
  #samples = 0;
  readonly #resolutions = new Set<string>();
  readonly #accuracy = { exact: true };

  constructor(source: Queryable, settings: EngineOptions, clock: Clock, request: QueryRequest) {
    this.#source = source;
    this.#settings = settings;
    this.#request = request;
    const wanted = request.limits ?? {};
    this.#limits = {
      maxSamples: Math.min(settings.limits.maxSamples, wanted.maxSamples ?? settings.limits.maxSamples),
      maxSeries: Math.min(settings.limits.maxSeries, wanted.maxSeries ?? settings.limits.maxSeries),
      maxSteps: settings.limits.maxSteps,
      maxSubquerySteps: Math.min(
        settings.limits.maxSubquerySteps,
        wanted.maxSubquerySteps ?? settings.limits.maxSubquerySteps,
      ),
    };
    this.#signal = request.signal ?? new AbortController().signal;
    this.#meter = new Meter(this.#limits.maxSamples, clock, request.signal);
  }

  async run(grid: Grid, instant: boolean): Promise<QueryResult> {
    this.#signal.throwIfAborted();
    const { expression, lookbackMs = this.#settings.lookbackMs } = this.#request;
    const text = typeof expression === 'string' ? expression : print(expression);
    // A tree made by hand has positions of its own; reading its text again makes them the text's.
    const expr = parse(text);
    const type = typeOf(expr);
    if (!instant && (type === 'matrix' || type === 'string')) {
      const name = type === 'matrix' ? 'range vector' : 'string';
      throw typeError(
        text,
        expr.position,
        `invalid expression type ${JSON.stringify(name)} for range query, must be Scalar or instant Vector`,
      );
    }
    const plan = planQuery(expr, grid, {
      lookbackMs,
      subqueryStepMs: this.#settings.subqueryStepMs,
      maxSubquerySteps: this.#limits.maxSubquerySteps,
    });
    const notes = new Annotations(text);
    const common = { plan, meter: this.#meter, notes, delayedNames: this.#settings.delayedNameRemoval };
    const scope: Scope = {
      ...common,
      query: grid,
      ...(await this.#select(plan, fusedAtOnce(common, expr, grid), grid, notes)),
      accuracy: this.#accuracy,
      sorted: new Map(),
      points: new Map(),
    };
    const data = type === 'matrix' ? await rangeData(scope, expr, grid) : await answer(scope, expr, grid, instant);
    return {
      data,
      warnings: notes.warnings,
      infos: notes.infos,
      stats: { series: this.#series, samples: this.#samples, peakSamples: this.#meter.peakSamples },
      resolutions: [...this.#resolutions],
      exact: this.#accuracy.exact,
    };
  }

  /**
   * Every selector's series, each source request made once however often the selector stands in the query. One after the
   * other, so that the limit on samples is on all of them together.
   */
  async #select(
    plan: Plan,
    fusable: ReadonlyMap<VectorSelector, FusedAggregate>,
    grid: Grid,
    notes: Annotations,
  ): Promise<Pick<Scope, 'selected' | 'spans' | 'fused'>> {
    const known = new Map<string, SelectorAnswer>();
    const selected = new Map<VectorSelector, readonly SelectedSeries[]>();
    const spans = new Map<VectorSelector, readonly SpanSeries[]>();
    const fused = new Map<Aggregate, readonly Series[]>();
    const keys = plan.needs.map(keyOf);
    for (const [i, need] of plan.needs.entries()) {
      const { selector } = need;
      const key = keys[i] as string;
      const aggregate = fusable.get(selector);
      let found = known.get(key);
      if (found === undefined && aggregate && keys.filter((other) => other === key).length === 1) {
        const summed = await this.#sumOne(need, aggregate.fused, grid, notes);
        if ('sums' in summed) {
          fused.set(aggregate.expr, summed.sums);
          continue;
        }
        found = summed;
      }
      found ??= await this.#selectOne(need, grid, notes);
      known.set(key, found);
      selected.set(selector, found.series);
      if (found.spans) spans.set(selector, found.spans);
    }
    return { selected, spans, fused };
  }

  /** Adds series up while the source reads them; the series themselves where it hands none over, or a sum needs them all. */
  async #sumOne(
    need: Need,
    fused: Fused,
    grid: Grid,
    notes: Annotations,
  ): Promise<SelectorAnswer | { readonly sums: readonly Series[] }> {
    let series = 0;
    let samples = 0;
    const found = await this.#selectOne(need, grid, notes, (one) => {
      series++;
      samples += one.values.length;
      return fused.add(one);
    });
    if (series === 0) return found;
    assert(found.series.length === 0, 'series are handed over or answered');
    const sums = fused.finish();
    if (sums === undefined) return this.#selectOne(need, grid, notes);
    this.#series += series;
    this.#samples += samples;
    return { sums };
  }

  async #selectOne(
    { selector: { matchers }, afterMs, untilMs, use }: Need,
    grid: Grid,
    notes: Annotations,
    each?: SelectRequest['each'],
  ): Promise<SelectorAnswer> {
    if (untilMs <= afterMs) return { series: [], warnings: [] };
    const found = await this.#source.select({
      tenant: this.#request.tenant,
      matchers,
      range: leftOpen(afterMs, untilMs),
      limits: { seriesMax: this.#limits.maxSeries, samplesMax: this.#limits.maxSamples },
      signal: this.#signal,
      use,
      ...(grid.stepMs > 0 ? { stepMs: grid.stepMs } : {}),
      // One moment: what stands there is the newest sample of the lookback, or nothing.
      ...(use.kind === 'instant' && use.stepMs === 0 ? { newestOnly: true } : {}),
      ...(each ? { each } : {}),
    });
    for (const warning of found.warnings) notes.source(warning);
    for (const resolution of found.resolutions ?? ['raw']) this.#resolutions.add(resolution);
    if (found.exact === false) this.#accuracy.exact = false;
    let samples = 0;
    let slots = 0;
    for (const { values, histograms } of found.series) {
      samples += values.length;
      if (histograms) slots += slotsOfSelected(histograms);
    }
    for (const { spans } of found.spans ?? []) {
      samples += spans.length;
      slots += spans.length * (SPAN_SLOTS - 1);
    }
    this.#series += found.series.length + (found.spans?.length ?? 0);
    this.#samples += samples;
    this.#meter.take(samples + slots);
    // A source with everything in memory never lets go of the thread.
    await this.#meter.breathe();
    if (!found.spans) return found;
    return { ...found, spans: [...found.spans].sort((a, b) => compareLabels(a.labels, b.labels)) };
  }
}

/** Slots of native histograms, beside those of their entries. */
function slotsOfSelected({ histograms }: SelectedHistograms): number {
  let slots = 0;
  for (const { positive, negative } of histograms) slots += 6 + positive.counts.length + negative.counts.length;
  return slots;
}

/** What tells apart what is asked of the source. */
function keyOf({ selector, afterMs, untilMs, use }: Need): string {
  return `${selector.matchers.map(formatMatcher).join(',')} ${afterMs} ${untilMs} ${use.kind}`;
}

async function answer(scope: Scope, expr: Expr, grid: Grid, instant: boolean): Promise<QueryData> {
  const value = await evaluate(scope, expr, grid);
  if (value.kind === 'string') return { kind: 'string', atMs: grid.startMs, text: value.text };
  if (value.kind === 'scalar') {
    if (instant) return { kind: 'scalar', atMs: grid.startMs, value: value.values[0] as number };
    const present = new Uint8Array(grid.steps).fill(1);
    return matrixData([{ labels: [], dropName: false, values: value.values, present }], grid);
  }
  const series = await dropDelayedNames(value.series, grid, scope.meter);
  return instant ? vectorData(series, grid) : matrixData(series, grid);
}

/** An instant query for a range vector answers with the points of the window themselves. */
async function rangeData(scope: Scope, expr: Expr, grid: Grid): Promise<QueryData> {
  const range = withoutParens(expr);
  assert(range.kind === 'matrixSelector' || range.kind === 'subquery', 'only these are range vectors');
  const window = must(scope.plan.windows.get(range), 'the range was planned');
  if (range.kind === 'matrixSelector' && window.beyond) {
    const extended = (await pointsFor(scope, range, grid)).flatMap(
      (one) => extendedPoints(range, one, window, grid) ?? [],
    );
    return {
      kind: 'matrix',
      series: extended.map(({ labels, timestampsMs, values }) => ({ labels, timestampsMs, values })),
    };
  }
  const windows = new Windows(grid, window);
  const series = [];
  for (const points of await pointsFor(scope, range, grid)) {
    windows.load(points);
    const from = windows.from[0] as number;
    const to = windows.to[0] as number;
    if (to === from) continue;
    const histograms = points.histograms?.slice(from, to);
    series.push({
      labels: points.labels,
      timestampsMs: points.timestampsMs.subarray(from, to),
      values: points.values.subarray(from, to),
      ...(histograms?.some(Boolean) ? { histograms } : {}),
    });
  }
  series.sort((a, b) => compareLabels(a.labels, b.labels));
  return { kind: 'matrix', series };
}
