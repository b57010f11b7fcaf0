import { type Kafka, sharedKafka } from '@tidemark/testkit/real';
import { afterAll, beforeAll } from 'vitest';
import { logConformance } from '../src/conformance/suite.ts';
import { KAFKA_SUPPORTS, KafkaWorld } from './kafka-world.ts';

let kafka: Kafka;
beforeAll(async () => {
  kafka = await sharedKafka();
});
afterAll(() => kafka.stop());

logConformance('Kafka, one broker', KAFKA_SUPPORTS, async () => new KafkaWorld({ brokers: kafka.bootstrap }));
