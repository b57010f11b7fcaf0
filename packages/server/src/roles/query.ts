import type { Clock, SelfMetrics } from '@tidemark/base';
import type { Freshness, SeriesSource } from '@tidemark/model';
import { Executor, QueryService, queryRouter } from '@tidemark/query';
import type { Config } from '../config/schema.ts';
import { VERSION } from '../version.ts';

export interface QueryParts {
  readonly config: Config;
  readonly source: SeriesSource;
  readonly freshness: Freshness;
  readonly clock: Clock;
  readonly metrics: SelfMetrics;
}

/** The query service over a source of series, and its routes. */
export function startQuery({ config, source, freshness, clock, metrics }: QueryParts) {
  const { lookback, timeout, samples, series, concurrency } = config.query;
  const limits = { seriesMax: series, samplesMax: samples };
  const executor = new Executor({ source, clock, lookbackMs: lookback, ...limits });
  const service = new QueryService({
    executor,
    source,
    freshness,
    clock,
    metrics,
    timeoutMs: timeout,
    concurrency,
    ...limits,
  });
  return { service, router: queryRouter({ service, nowMs: () => clock.nowMs(), version: VERSION }) };
}
