import { type Clock, unreachable } from '@tidemark/base';
import type { ReadTerms, SeriesSource } from '@tidemark/model';
import { createEngine, DEFAULT_LIMITS, type Engine, type QueryData, type QueryResult } from '@tidemark/promql';
import type { Answer, Result } from '../answer.ts';
import { AUTO, type Preference } from '../plan/preference.ts';
import type { TierRetention } from '../plan/tier.ts';
import { type TieredSourceOptions, tieredSource } from './tiered-source.ts';

// Hands a question to the PromQL engine and its data back in the shapes the API writes.

export interface ExecutorOptions {
  readonly source: SeriesSource;
  readonly clock: Clock;
  readonly lookbackMs: number;
  /** Step of a subquery that names none. */
  readonly subqueryStepMs?: number;
  readonly seriesMax: number;
  readonly samplesMax: number;
  /** How long each tier is kept, of everything or of what matchers may find; absent: there is raw alone. */
  readonly retentionMs?: TierRetention | TieredSourceOptions['retentionOf'];
}

interface Evaluation {
  readonly tenant: string;
  readonly expression: string;
  readonly signal: AbortSignal;
  readonly lookbackMs?: number;
  /** Which tiers; absent: as planned. */
  readonly preference?: Preference;
  /** What every read of it asks for. */
  readonly terms?: ReadTerms;
}

// Prometheus' own limit, and one for the end.
const STEPS_MAX = 11_001;

type Ask = (engine: Engine) => Promise<QueryResult>;

export class Executor {
  readonly #options: ExecutorOptions;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  instant(question: Evaluation & { readonly atMs: number }): Promise<Omit<Answer, 'fresh'>> {
    return this.#timed(question, (engine) => engine.instant(question));
  }

  range(
    question: Evaluation & { readonly startMs: number; readonly endMs: number; readonly stepMs: number },
  ): Promise<Omit<Answer, 'fresh'>> {
    return this.#timed(question, (engine) => engine.range(question));
  }

  /** An engine of its own for each question: what stands still about tiers is one moment and one wish. */
  #engine({ preference = AUTO, terms }: Evaluation): Engine {
    const { clock, lookbackMs, subqueryStepMs, seriesMax, samplesMax, retentionMs } = this.#options;
    const retentionOf = typeof retentionMs === 'object' ? () => retentionMs : retentionMs;
    const source = terms ? onTerms(this.#options.source, terms) : this.#options.source;
    return createEngine({
      source: retentionOf ? tieredSource({ source, retentionOf, preference, nowMs: clock.nowMs() }) : source,
      clock,
      options: {
        lookbackMs,
        ...(subqueryStepMs === undefined ? {} : { subqueryStepMs }),
        limits: { ...DEFAULT_LIMITS, maxSeries: seriesMax, maxSamples: samplesMax, maxSteps: STEPS_MAX },
      },
    });
  }

  async #timed(question: Evaluation, ask: Ask): Promise<Omit<Answer, 'fresh'>> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const { data, warnings, infos, stats, resolutions, exact } = await ask(this.#engine(question));
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    const result = resultOf(data);
    return { result, warnings, infos, resolutions, exact, stats: { samplesRead: stats.samples, seconds } };
  }
}

/** The source as one question reads it. The engine lists nothing. */
function onTerms(source: SeriesSource, terms: ReadTerms): SeriesSource {
  return {
    ...source,
    select: (request) => source.select({ ...request, ...terms }),
    selectRows: (request) => source.selectRows({ ...request, ...terms }),
  };
}

function resultOf(data: QueryData): Result {
  switch (data.kind) {
    case 'scalar':
    case 'string':
      return data;
    case 'vector':
      return { kind: 'vector', points: data.samples.map((sample) => ({ ...sample, atMs: data.atMs })) };
    case 'matrix':
      return { kind: 'matrix', lines: data.series };
    default:
      return unreachable(data);
  }
}
