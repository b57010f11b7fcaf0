import type { Clock, SelfMetrics } from '@tidemark/base';
import type {
  ExemplarSource,
  Freshness,
  KeptTier,
  Labels,
  MetadataSource,
  Retention,
  SeriesSource,
} from '@tidemark/model';
import { Executor, federate, QueryService, queryRouter } from '@tidemark/query';
import type { Request, Response } from 'express';
import type { Config } from '../config/schema.ts';
import { VERSION } from '../version.ts';

export interface QueryParts {
  readonly config: Config;
  readonly source: SeriesSource;
  readonly retention: Retention;
  readonly metadata: MetadataSource;
  readonly exemplars: ExemplarSource;
  readonly freshness: Freshness;
  readonly externalLabels: () => Labels;
  readonly clock: Clock;
  readonly metrics: SelfMetrics;
}

/** The query service over a source of series, and its routes. */
export function startQuery(parts: QueryParts) {
  const { config, source, metadata, exemplars, retention, freshness, externalLabels, clock, metrics } = parts;
  const { lookback, timeout, samples, series, concurrency, unreadBytes } = config.query;
  const limits = { seriesMax: series, samplesMax: samples };
  const executor = new Executor({
    source,
    clock,
    lookbackMs: lookback,
    // As in Prometheus: the interval that rules have when they name none.
    subqueryStepMs: config.rules.interval,
    retentionMs: (tenant, matchers) => {
      const least = (tier: KeptTier) => retention.ofMatchers(tenant, matchers, tier).leastMs;
      return { raw: least('raw'), '1m': least('1m'), '1h': least('1h') };
    },
    ...limits,
  });
  const service = new QueryService({
    executor,
    source,
    exemplars,
    freshness,
    clock,
    metrics,
    timeoutMs: timeout,
    concurrency,
    unreadBytesMax: unreadBytes,
    ...limits,
  });
  const nowMs = () => clock.nowMs();
  const federation = {
    service,
    metadata,
    nowMs,
    lookbackMs: () => lookback,
    externalLabels,
  };
  return {
    service,
    router: queryRouter({ service, nowMs, version: VERSION, externalLabels }),
    federate: (request: Request, response: Response) => federate(request, response, federation),
  };
}
