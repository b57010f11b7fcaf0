import { type Clock, type Logger, type SelfMetrics, TaskGroup } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { type SampleSink, type SchemaSource, TOPIC_INTENTS, topicName } from '@tidemark/model';
import { type SampleTopic, startRepartition } from '@tidemark/stream-rollup';
import type { Config } from '../config/schema.ts';
import { ConfluentRegistry } from '../registry/confluent-registry.ts';
import { EmbeddedRegistry } from '../registry/embedded-registry.ts';
import { RememberingSource } from '../registry/remembering-source.ts';
import { registerSchema } from './register-schema.ts';

// Samples of others, through the admission of everyone's.
//
//   samples topics ─ stage ─▶ sink (ingest) ─▶ raw          schemas: the registry, remembered in the config topic
//                      └────▶ dead-letter
//
// Our own schema is registered in the background: a registry that is away at start keeps nobody from starting.

export interface RepartitionParts {
  readonly config: Config;
  readonly log: Log;
  readonly sink: SampleSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly onFailure: (what: string, error: unknown) => void;
}

/** The topics of samples, each with whose they are. */
export function sampleTopics({ log, samples }: Pick<Config, 'log' | 'samples'>): readonly SampleTopic[] {
  const own = topicName('samples', log.topicPrefix);
  return samples.topics.some(({ topic }) => topic === own)
    ? samples.topics
    : [{ topic: own, tenant: undefined }, ...samples.topics];
}

export interface Repartition {
  /** Why it may not know schemas yet, for people: at the start a registry may be away. */
  problem(): string | undefined;
  close(): Promise<void>;
}

export async function runRepartition(parts: RepartitionParts): Promise<Repartition> {
  const { config, log, sink, clock, metrics, onFailure } = parts;
  const logger = parts.logger.child('repartition');
  const topics = sampleTopics(config);
  await makeMissing(log, topics, config);
  const schemas = await openSchemas(config, log, logger);
  const tasks = new TaskGroup(onFailure);
  let problem = config.registry.url === '' ? undefined : 'the schema registry has not answered yet';
  const say = (next: string | undefined) => {
    problem = next;
  };
  const subject = `${topicName('samples', config.log.topicPrefix)}-value`;
  tasks.spawn('register schema', (signal) => registerSchema(schemas, subject, { clock, logger, say }, signal));
  const stage = startRepartition({
    log,
    sink,
    schemas,
    topics,
    clock,
    logger,
    metrics,
    topicPrefix: config.log.topicPrefix,
    // A little longer than the registry's own, which says more.
    patience: { patienceMs: config.registry.patience, timeoutMs: config.registry.timeout + 1000 },
  });
  return {
    problem: () => problem,
    async close() {
      await tasks.close();
      await stage.close();
    },
  };
}

/** Those of others may be there already, with as many partitions as they like. */
async function makeMissing(log: Log, topics: readonly SampleTopic[], config: Config): Promise<void> {
  const there = new Set((await log.topics()).map(({ name }) => name));
  const retentionMs = TOPIC_INTENTS.find(({ role }) => role === 'samples')?.retentionMs ?? 0;
  const missing = topics.filter(({ topic }) => !there.has(topic));
  await log.ensureTopics(
    missing.map(({ topic }) => ({ name: topic, partitions: config.log.partitions, compacted: false, retentionMs })),
  );
}

async function openSchemas(config: Config, log: Log, logger: Logger): Promise<SchemaSource> {
  const topic = topicName('config', config.log.topicPrefix);
  const { url, username, password, timeout } = config.registry;
  if (url === '') return EmbeddedRegistry.open(log, topic);
  const registry = new ConfluentRegistry({ url, username, password, timeoutMs: timeout });
  return RememberingSource.open({ registry, url, log, topic, logger });
}
