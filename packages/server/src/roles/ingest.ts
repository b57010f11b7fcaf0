import type { Clock, Logger, Random, SelfMetrics } from '@tidemark/base';
import { type IngestLimits, IngestPipeline, WriteHandlers } from '@tidemark/ingest';
import type { Log } from '@tidemark/log';
import { type SampleSink, topicName } from '@tidemark/model';
import type { WriteHandler } from '../app.ts';
import type { Config } from '../config/schema.ts';

export interface IngestParts {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

export interface IngestRole {
  /** By path below /api/v1. */
  readonly handlers: Readonly<Record<string, WriteHandler>>;
  /** Where samples go that this process collects itself; `protocol` is their name in the metrics. */
  sinkFor(protocol: string): SampleSink;
  /** Takes over the limits of another configuration. */
  setLimits(config: Config): void;
}

/** The write path: protocols in, batches on the log. */
export function startIngest({ config, log, clock, random, logger, metrics }: IngestParts): IngestRole {
  const pipeline = new IngestPipeline(
    { clock, random, log, metrics, logger },
    {
      partitions: config.log.partitions,
      topic: topicName('raw', config.log.topicPrefix),
      rawRetentionMs: config.store.retentionRaw,
      ...limitsOf(config),
    },
  );
  const routes = new WriteHandlers({ pipeline, clock, logger }).routes();
  const handlers = Object.fromEntries(routes.map(({ path, handle }) => [path.replace(/^\/api\/v1/, ''), handle]));
  return {
    handlers,
    sinkFor: (protocol) => pipeline.sinkFor(protocol),
    setLimits: (next) => pipeline.setLimits(limitsOf(next)),
  };
}

/** By the names that refusals give them. */
function limitsOf({ ingest }: Config): IngestLimits {
  const { bodyBytesMax, activeSeriesMax, samplesPerSecondMax, pendingBytesMax } = ingest;
  // Ten seconds of it at once: a sender that was away comes back with what it kept.
  return {
    bodyBytesMax,
    activeSeriesMax,
    samplesPerSecondMax,
    pendingBytesMax,
    burstSamplesMax: samplesPerSecondMax * 10,
  };
}
