import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cachedServer, type Kafka, sharedKafka } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ours, valuesOf } from './kafkajs/worlds.ts';

// Batches that somebody else's client has compressed (librdkafka, as Python's users have it), every way it knows.

const RECORDS = 500;
const PRODUCE = `
import sys
from confluent_kafka import Producer
bootstrap, topic, codec = sys.argv[1:]
producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 200})
for i in range(${RECORDS}):
    producer.produce(topic, partition=0, key=b"any", value=f"{i} of many that are much alike, so that compression has something to do")
producer.flush()
`;
const VALUES = Array.from(
  { length: RECORDS },
  (_, i) => `${i} of many that are much alike, so that compression has something to do`,
);

let kafka: Kafka;
beforeAll(async () => {
  kafka = await sharedKafka();
});
afterAll(() => kafka.stop());

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('%s', async (codec) => {
  await using one = await ours(kafka.bootstrap);
  await promisify(execFile)('python3', ['-c', PRODUCE, kafka.bootstrap.join(','), one.topic, codec], {
    env: { ...process.env, PYTHONPATH: cachedServer('pythonClient') },
  });
  expect(await valuesOf(one.log, 0)).toEqual(VALUES);
  const fetched = Number(/^tidemark_kafka_fetched_bytes_total (\d+)/m.exec(one.metrics.self.expose())?.[1]);
  // It came compressed, all but the first.
  if (codec === 'none') expect(fetched).toBeGreaterThan(VALUES.join('').length);
  else expect(fetched).toBeLessThan(VALUES.join('').length / 2);
});
