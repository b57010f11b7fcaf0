import { type Kafka, startKafka } from '@tidemark/testkit/real';
import { afterAll, beforeAll } from 'vitest';
import { logConformance } from '../src/conformance/suite.ts';
import { KAFKA_SUPPORTS, KafkaWorld } from './kafka-world.ts';

let kafka: Kafka;
beforeAll(async () => {
  kafka = await startKafka({ brokers: 3 });
});
afterAll(() => kafka.stop());

logConformance(
  'Kafka, three brokers',
  KAFKA_SUPPORTS,
  async () => new KafkaWorld({ brokers: kafka.bootstrap, replicationFactor: 3, minInSyncReplicas: 2 }),
);
