import { type Clock, type Disk, type Logger, must, type Random, type SelfMetrics, systemClock } from '@tidemark/base';
import {
  type KafkaLog,
  type KafkaMetrics,
  kafkaMetrics,
  type Log,
  openEmbeddedLog,
  openKafkaLog,
  type TopicSpec,
} from '@tidemark/log';
import { TOPIC_INTENTS, topicName } from '@tidemark/model';
import type { Config } from '../config/schema.ts';
import { kafkaOptions } from './kafka-options.ts';
import { rightsOf } from './rights.ts';
import { recordSchemas } from './schemas.ts';

export interface LogParts {
  readonly config: Config;
  /** The data folder; only the embedded log needs it. */
  readonly disk: Disk | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  /** Aborted: the process is told to stop, and waits for no broker. */
  readonly signal: AbortSignal;
}

// Whoever asks whether this process is ready hears soon what it waits for.
const REACH_MAX_MS = 5_000;
// 16 MiB: the log lets go of whole files, and on one machine a minute of samples should not wait for an hour's.
const JOURNAL_FILE_BYTES = 16 * 1024 * 1024;

/** What a log fails with that is away, but may come, and whose brokers deny what they may grant. The embedded log is here or broken. */
export function mayComeLater({ log }: Pick<Config, 'log'>): ReadonlySet<string> {
  return log.kind === 'kafka' ? new Set(['LOG_IO', 'LOG_DENIED']) : new Set();
}

/** Opens the log that the configuration names, with all topics and the schemas of what is in them; as often as it takes. */
export function logOpener(parts: LogParts): () => Promise<Log> {
  const { config, metrics } = parts;
  const ofKafka = config.log.kind === 'kafka' ? kafkaMetrics(metrics) : undefined;
  return async () => {
    await using opened = new AsyncDisposableStack();
    const kafka = ofKafka && (await openOnKafka(parts, ofKafka));
    const log = kafka ?? (await openEmbedded(parts));
    opened.defer(() => log.close());
    await unlessStopped(kafka, parts.signal, async () => {
      await log.ensureTopics(topicSpecs(config));
      // What was denied only later would be denied to somebody who sends samples, or would stop a part.
      await kafka?.mustBeAllowed(rightsOf(config));
      await recordSchemas(log, config.log.topicPrefix);
    });
    opened.move();
    return log;
  };
}

/** Work on a log of brokers, which is closed when the process is told to stop meanwhile; then throws the signal's reason. */
async function unlessStopped(
  kafka: KafkaLog | undefined,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  // Whoever opened it closes it too, and hears what is wrong with that.
  const close = () => void kafka?.close().catch(() => undefined);
  signal.addEventListener('abort', close, { once: true });
  try {
    signal.throwIfAborted();
    await work();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', close);
  }
}

async function openOnKafka({ config, random, logger, signal }: LogParts, metrics: KafkaMetrics): Promise<KafkaLog> {
  const options = await kafkaOptions(config.kafka);
  // Sessions and requests end by the brokers' time, whatever a test makes of ours.
  const clock = systemClock;
  const reach = { signal, reachMaxMs: REACH_MAX_MS };
  return openKafkaLog({ clock, random, logger: logger.child('log'), metrics, options, ...reach });
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
    ...(partitions === 'data'
      ? { partitions: log.partitions, partitionsSetting: 'log.partitions' }
      : { partitions: 1 }),
    compacted,
    retentionMs,
  }));
}
