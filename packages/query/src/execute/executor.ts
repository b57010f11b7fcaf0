import { type Clock, unreachable } from '@tidemark/base';
import type { SeriesSource } from '@tidemark/model';
import { createEngine, DEFAULT_LIMITS, type Engine, type QueryData, type QueryResult } from '@tidemark/promql';
import type { Answer, Result } from '../answer.ts';

// Hands a question to the PromQL engine and its data back in the shapes the API writes.

export interface ExecutorOptions {
  readonly source: SeriesSource;
  readonly clock: Clock;
  readonly lookbackMs: number;
  readonly seriesMax: number;
  readonly samplesMax: number;
}

interface Evaluation {
  readonly tenant: string;
  readonly expression: string;
  readonly signal: AbortSignal;
  readonly lookbackMs?: number;
}

// Prometheus' own limit, and one for the end.
const STEPS_MAX = 11_001;

export class Executor {
  readonly #engine: Engine;
  readonly #clock: Clock;

  constructor({ source, clock, lookbackMs, seriesMax, samplesMax }: ExecutorOptions) {
    this.#clock = clock;
    this.#engine = createEngine({
      source,
      clock,
      options: {
        lookbackMs,
        limits: { ...DEFAULT_LIMITS, maxSeries: seriesMax, maxSamples: samplesMax, maxSteps: STEPS_MAX },
      },
    });
  }

  instant(question: Evaluation & { readonly atMs: number }): Promise<Omit<Answer, 'fresh'>> {
    return this.#timed(() => this.#engine.instant(question));
  }

  range(
    question: Evaluation & { readonly startMs: number; readonly endMs: number; readonly stepMs: number },
  ): Promise<Omit<Answer, 'fresh'>> {
    return this.#timed(() => this.#engine.range(question));
  }

  async #timed(run: () => Promise<QueryResult>): Promise<Omit<Answer, 'fresh'>> {
    const startedMs = this.#clock.monotonicMs();
    const { data, warnings, infos, stats } = await run();
    const seconds = (this.#clock.monotonicMs() - startedMs) / 1000;
    return { result: resultOf(data), warnings, infos, stats: { samplesRead: stats.samples, seconds } };
  }
}

function resultOf(data: QueryData): Result {
  switch (data.kind) {
    case 'scalar':
    case 'string':
      return data;
    case 'vector':
      return { kind: 'vector', points: data.samples.map(({ labels, value }) => ({ labels, value, atMs: data.atMs })) };
    case 'matrix':
      return { kind: 'matrix', lines: data.series };
    default:
      return unreachable(data);
  }
}
