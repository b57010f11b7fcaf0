import { type Clock, type Disk, type Logger, must, type Random, type SelfMetrics, systemClock } from '@tidemark/base';
import { kafkaMetrics, type Log, openEmbeddedLog, openKafkaLog, type TopicSpec } from '@tidemark/log';
import { TOPIC_INTENTS, topicName } from '@tidemark/model';
import type { Config } from '../config/schema.ts';
import { kafkaOptions } from './kafka-options.ts';
import { recordSchemas } from './schemas.ts';

export interface LogParts {
  readonly config: Config;
  /** The data folder; only the embedded log needs it. */
  readonly disk: Disk | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

// 16 MiB: the log lets go of whole files, and on one machine a minute of samples should not wait for an hour's.
const JOURNAL_FILE_BYTES = 16 * 1024 * 1024;

/** What a log that is away, but may come, fails with. The embedded log is here or broken. */
export function mayComeLater({ log }: Pick<Config, 'log'>): ReadonlySet<string> {
  return log.kind === 'kafka' ? new Set(['LOG_IO']) : new Set();
}

/** The log that the configuration names, with all topics and the schemas of what is in them. */
export async function openLog(parts: LogParts): Promise<Log> {
  const { config } = parts;
  await using opened = new AsyncDisposableStack();
  const log = config.log.kind === 'kafka' ? await openOnKafka(parts) : await openEmbedded(parts);
  opened.defer(() => log.close());
  await log.ensureTopics(topicSpecs(config));
  await recordSchemas(log, config.log.topicPrefix);
  opened.move();
  return log;
}

async function openOnKafka({ config, random, logger, metrics }: LogParts): Promise<Log> {
  const options = await kafkaOptions(config.kafka);
  // Sessions and requests end by the brokers' time, whatever a test makes of ours.
  const clock = systemClock;
  return openKafkaLog({ clock, random, logger: logger.child('log'), metrics: kafkaMetrics(metrics), options });
}

function openEmbedded({ config, disk, clock, logger, metrics }: LogParts): Promise<Log> {
  return openEmbeddedLog({
    disk: must(disk),
    clock,
    logger: logger.child('log'),
    metrics,
    options: {
      folder: 'log',
      fileBytesMax: JOURNAL_FILE_BYTES,
      retainBytesMax: config.log.keepBytes,
      retainMaxMs: config.log.keepAge,
    },
  });
}

/** Every topic there is, as this configuration names and cuts them. */
function topicSpecs({ log }: Pick<Config, 'log'>): TopicSpec[] {
  return TOPIC_INTENTS.map(({ role, partitions, compacted, retentionMs }) => ({
    name: topicName(role, log.topicPrefix),
    partitions: partitions === 'data' ? log.partitions : 1,
    compacted,
    retentionMs,
  }));
}
