import type { Clock, SelfMetrics } from '@tidemark/base';
import type { Freshness, Labels, MetadataSource, SeriesSource } from '@tidemark/model';
import { Executor, federate, QueryService, queryRouter } from '@tidemark/query';
import type { Request, Response } from 'express';
import type { Config } from '../config/schema.ts';
import { VERSION } from '../version.ts';

export interface QueryParts {
  readonly config: Config;
  readonly source: SeriesSource;
  readonly metadata: MetadataSource;
  readonly freshness: Freshness;
  readonly externalLabels: () => Labels;
  readonly clock: Clock;
  readonly metrics: SelfMetrics;
}

/** The query service over a source of series, and its routes. */
export function startQuery({ config, source, metadata, freshness, externalLabels, clock, metrics }: QueryParts) {
  const { lookback, timeout, samples, series, concurrency, unreadBytes } = config.query;
  const { retentionRaw, retention1m, retention1h } = config.store;
  const limits = { seriesMax: series, samplesMax: samples };
  const executor = new Executor({
    source,
    clock,
    lookbackMs: lookback,
    // As in Prometheus: the interval that rules have when they name none.
    subqueryStepMs: config.rules.interval,
    retentionMs: { raw: retentionRaw, '1m': retention1m, '1h': retention1h },
    ...limits,
  });
  const service = new QueryService({
    executor,
    source,
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
    router: queryRouter({ service, nowMs, version: VERSION }),
    federate: (request: Request, response: Response) => federate(request, response, federation),
  };
}
