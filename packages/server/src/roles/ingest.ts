import type { Clock, Logger, Random, SelfMetrics } from '@tidemark/base';
import { type IngestLimits, IngestPipeline, WriteHandlers } from '@tidemark/ingest';
import type { Log } from '@tidemark/log';
import { type SampleSink, topicName } from '@tidemark/model';
import type { WriteHandler } from '../app.ts';
import type { Config } from '../config/schema.ts';
import { CriticalSetting } from './critical.ts';

export interface IngestParts {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly onFailure: (what: string, error: unknown) => void;
}

export interface IngestRole {
  /** By path below /api/v1. */
  readonly handlers: Readonly<Record<string, WriteHandler>>;
  /** Where samples go that this process collects itself; `protocol` is their name in the metrics. */
  sinkFor(protocol: string): SampleSink;
  /** Takes over another configuration. */
  takeOver(config: Config): Promise<void>;
  close(): Promise<void>;
}

/** The write path: protocols in, batches on the log. */
export async function startIngest(parts: IngestParts): Promise<IngestRole> {
  const { config, log, clock, random, logger, metrics, onFailure } = parts;
  const pipeline = new IngestPipeline(
    { clock, random, log, metrics },
    {
      partitions: config.log.partitions,
      topic: topicName('raw', config.log.topicPrefix),
      criticalTopic: topicName('raw-critical', config.log.topicPrefix),
      rawRetentionMs: config.store.retentionRaw,
      ...limitsOf(config),
    },
  );
  const take = pipeline.setCritical.bind(pipeline);
  const critical = await CriticalSetting.open({ config, log, clock, logger, take, onFailure });
  const routes = new WriteHandlers({ pipeline, clock, logger }).routes();
  const handlers = Object.fromEntries(routes.map(({ path, handle }) => [path.replace(/^\/api\/v1/, ''), handle]));
  return {
    handlers,
    sinkFor: (protocol) => pipeline.sinkFor(protocol),
    async takeOver(next) {
      await critical.propose(next);
      pipeline.setLimits(limitsOf(next));
    },
    close: () => critical.close(),
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
