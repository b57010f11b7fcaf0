import {
  decodeLabels,
  formatLabels,
  METRIC_TYPES,
  planOf,
  SAMPLE_SCHEMA,
  SampleDecoder,
  schemaIdOf,
} from '@tidemark/model';
import { sharedKafka, sharedSchemaRegistry } from '@tidemark/testkit/real';
// biome-ignore lint/style/noRestrictedImports: a client that is not ours is what this is about
import { type Consumer, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfluentRegistry } from '../src/registry/confluent-registry.ts';
import { EXAMPLE_METRIC, runExample } from './examples.ts';

// Producers that are not ours, with clients and serializers that are not ours, against a real broker and a real registry.
// What they wrote is taken from the broker by a bare client and read as the repartition stage reads it; roles.kafka.test.ts follows
// it on to a query.
//
//   SampleProducer.java ────┐
//   sample_producer.py ─────┼──> topic ──> bare kafkajs ──> SampleDecoder, by the schema that the registry gives for the id
//   sample-producer.ts ─────┘

const SAMPLES = 3;

let kafka: Kafka;
let bootstrap: string;
let registryUrl: string;

beforeAll(async () => {
  const broker = await sharedKafka();
  bootstrap = broker.bootstrap.join(',');
  kafka = new Kafka({ clientId: 'producers', brokers: [...broker.bootstrap], logLevel: logLevel.NOTHING });
  registryUrl = (await sharedSchemaRegistry()).url;
});

const consumers: Consumer[] = [];
afterAll(() => Promise.all(consumers.map((consumer) => consumer.disconnect())));

/** The topic, and Tidemark's schema under its subject, as Tidemark puts it there. */
async function topicFor(language: string): Promise<string> {
  const topic = `producers.${language}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true });
  await admin.disconnect();
  const response = await fetch(`${registryUrl}/subjects/${topic}-value/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: SAMPLE_SCHEMA }),
  });
  expect(response.status).toBe(200);
  return topic;
}

/** What a reader of ours makes of the first `count` records of the topic. */
async function samplesOf(topic: string, count: number) {
  const values: Buffer[] = [];
  const consumer = kafka.consumer({ groupId: `${topic}.reader` });
  consumers.push(consumer);
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
      if (message.value !== null) values.push(message.value);
      if (values.length >= count) resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  const registry = new ConfluentRegistry({
    url: registryUrl,
    username: '',
    password: '',
    timeoutMs: 10_000,
  });
  const decoder = new SampleDecoder();
  const samples = [];
  for (const value of values) {
    decoder.decode(value, planOf(await registry.byId(schemaIdOf(value))));
    expect(decoder.complaint).toBeUndefined();
    const bits = new DataView(new ArrayBuffer(8));
    bits.setUint32(0, decoder.valueHigh);
    bits.setUint32(4, decoder.valueLow);
    samples.push({
      labels: formatLabels(decodeLabels(decoder.labels)),
      type: METRIC_TYPES[decoder.type],
      value: bits.getFloat64(0),
      age: Date.now() - decoder.timestampMs,
    });
  }
  return samples.sort((a, b) => a.value - b.value);
}

const expected = (language: string) =>
  Array.from({ length: SAMPLES }, (_, i) => ({
    labels: `${EXAMPLE_METRIC}{language="${language}"}`,
    type: 'counter',
    value: i + 1,
    age: expect.toSatisfy((age: number) => age >= 0 && age < 120_000),
  }));

test('the Java example, with kafka-clients and avro', async () => {
  const topic = await topicFor('java');
  expect(await runExample.java({ bootstrap, registryUrl, topic }, SAMPLES)).toContain(`${SAMPLES} samples on ${topic}`);
  expect(await samplesOf(topic, SAMPLES)).toEqual(expected('java'));
});

test('the Python example, with confluent-kafka', async () => {
  const topic = await topicFor('python');
  expect(await runExample.python({ bootstrap, registryUrl, topic }, SAMPLES)).toContain(
    `${SAMPLES} samples on ${topic}`,
  );
  expect(await samplesOf(topic, SAMPLES)).toEqual(expected('python'));
});

test('the TypeScript example, with kafkajs and Confluent’s serializer', async () => {
  const topic = await topicFor('typescript');
  const said = await runExample.typescript({ bootstrap, registryUrl, topic }, SAMPLES);
  expect(said).toContain(`${SAMPLES} samples on ${topic}`);
  expect(await samplesOf(topic, SAMPLES)).toEqual(expected('typescript'));
});
