import type { Clock, Logger, SelfMetrics } from '@tidemark/base';
import { type HostCollector, startHostCollector } from '@tidemark/collector';
import type { SampleSink } from '@tidemark/model';
import type { Config } from '../config/schema.ts';

export interface CollectorParts {
  readonly config: Config;
  readonly sink: SampleSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly tenant: string;
}

/** This host's own metrics, into the sink. */
export function startCollector({ config, sink, clock, logger, metrics, tenant }: CollectorParts): HostCollector {
  const { hostInterval, instance } = config.collector;
  return startHostCollector({ sink, clock, logger, metrics, tenant, intervalMs: hostInterval, instance });
}
