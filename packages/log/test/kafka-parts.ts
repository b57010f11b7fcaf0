import { silentLogger, systemClock, systemRandom } from '@tidemark/base';
import { KafkaClient } from '../src/kafka/client.ts';
import { KafkaGroups } from '../src/kafka/group/kafka-groups.ts';
import { kafkaMetrics } from '../src/kafka/metrics.ts';
import { KAFKA_LOG_DEFAULTS, type KafkaLogOptions } from '../src/kafka/options.ts';
import { KafkaPositions } from '../src/kafka/positions.ts';
import { KafkaTopics } from '../src/kafka/topics.ts';
import type { TopicSpec } from '../src/log.ts';

// The parts of a log that is Kafka, for tests of one of them on real brokers.

export const RAW: TopicSpec = { name: 'raw', partitions: 6, compacted: false, retentionMs: 3_600_000 };

export type PartsOptions = Partial<KafkaLogOptions> & Pick<KafkaLogOptions, 'brokers' | 'namespace'>;

export interface KafkaParts extends AsyncDisposable {
  readonly client: KafkaClient;
  readonly topics: KafkaTopics;
  readonly positions: KafkaPositions;
  readonly groups: KafkaGroups;
}

export function kafkaParts(options: PartsOptions): KafkaParts {
  const client = new KafkaClient({
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    metrics: kafkaMetrics(),
    options: { ...KAFKA_LOG_DEFAULTS, heartbeatMs: 100, ...options },
  });
  const positions = new KafkaPositions(client);
  const groups = new KafkaGroups({
    client,
    mustBeOpen: () => client.mustBeOpen(),
    check: (at) => positions.check(at),
  });
  return {
    client,
    topics: new KafkaTopics(client),
    positions,
    groups,
    async [Symbol.asyncDispose]() {
      await groups.closeAll();
      client.close();
    },
  };
}
