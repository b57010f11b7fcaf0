import { silentLogger, systemClock, systemRandom } from '@tidemark/base';
import { type Kafka, startKafka } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RAW, raw, rawAt, textOf } from '../conformance/traits.ts';
import { type KafkaLog, openKafkaLog } from './kafka-log.ts';
import { kafkaMetrics } from './metrics.ts';

// Three brokers, and leaders that die, hand over or fall silent while appends are under way.

let kafka: Kafka;
beforeAll(async () => {
  kafka = await startKafka({ brokers: 3, own: true });
});
afterAll(() => kafka.stop());

function open(namespace: string): Promise<KafkaLog> {
  return openKafkaLog({
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    metrics: kafkaMetrics(),
    options: {
      brokers: kafka.bootstrap,
      namespace,
      replicationFactor: 3,
      minInSyncReplicas: 2,
      requestMaxMs: 3000,
      operationMaxMs: 90_000,
      recordBytesMax: 100_000,
      batchBytesMax: 200_000,
    },
  });
}

/** Appends to all partitions all the time while `trouble` happens; then every partition must read as it was written. */
async function appendDuring(namespace: string, trouble: () => Promise<void>): Promise<void> {
  const log = await open(namespace);
  await log.ensureTopics([RAW]);
  let isOver = false;
  const wanted: string[] = [];
  const appending = (async () => {
    for (let i = 0; !isOver; i++) {
      wanted.push(`${i}`);
      await Promise.all([
        log.append([raw(0, `${i}`), raw(1, `${i}`)]),
        log.append([raw(2, `${i}`)]),
        systemClock.sleep(5),
      ]);
    }
  })();
  try {
    await systemClock.sleep(300);
    await trouble();
  } finally {
    isOver = true;
  }
  await appending;
  for (const partition of [0, 1, 2]) {
    const reader = await log.openReader({ group: 'g', from: [{ ...rawAt(partition), offset: 'earliest' }] });
    const found: (string | null)[] = [];
    while (found.length < wanted.length) {
      const fetched = await reader.fetch({ maxBytes: 1_000_000, maxWaitMs: 10_000 });
      if (fetched.length === 0) break;
      for (const { records } of fetched) found.push(...records.map(({ value }) => textOf(value)));
    }
    expect(found).toEqual(wanted);
    await reader.close();
  }
  expect((await log.bounds(RAW.name)).map(({ end }) => end)).toEqual([0, 1, 2].map(() => wanted.length));
  await log.close();
}

test('a broker is killed in mid-send and comes back: all is there once, in order', () =>
  appendDuring('killed.', async () => {
    await kafka.kill9(1);
    await systemClock.sleep(2000);
    await kafka.restart(1);
    await systemClock.sleep(500);
  }));

test('a broker falls silent with its connections open, and wakes up behind the others', () =>
  appendDuring('silent.', async () => {
    kafka.pause(2);
    await systemClock.sleep(8000);
    kafka.resume(2);
    await systemClock.sleep(1000);
  }));

test('a broker hands its partitions over and goes', () =>
  appendDuring('handed.', async () => {
    await kafka.stopBroker(0);
    await systemClock.sleep(1000);
    await kafka.restart(0);
  }));
