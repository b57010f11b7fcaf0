import type { Clock, Disk, Logger, SelfMetrics } from '@tidemark/base';
import { type Log, openEmbeddedLog, type TopicSpec } from '@tidemark/log';
import { TOPIC_INTENTS, topicName } from '@tidemark/model';
import type { Config } from '../config/schema.ts';
import { recordSchemas } from './schemas.ts';

export interface LogParts {
  readonly config: Config;
  /** The data folder. */
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

// 16 MiB: the log lets go of whole files, and on one machine a minute of samples should not wait for an hour's.
const JOURNAL_FILE_BYTES = 16 * 1024 * 1024;

/** The log that the configuration names, with all topics and the schemas of what is in them. */
export async function openLog({ config, disk, clock, logger, metrics }: LogParts): Promise<Log> {
  await using opened = new AsyncDisposableStack();
  const log = await openEmbeddedLog({
    disk,
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
  opened.defer(() => log.close());
  await log.ensureTopics(topicSpecs(config));
  await recordSchemas(log, config.log.topicPrefix);
  opened.move();
  return log;
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
