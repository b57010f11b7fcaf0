import { randomUUID } from 'node:crypto';
import { type Clock, silentLogger, systemClock, systemRandom } from '@tidemark/base';
import { type KafkaLog, openKafkaLog } from '../../src/kafka/kafka-log.ts';
import { type KafkaMetrics, kafkaMetrics } from '../../src/kafka/metrics.ts';
import type { KafkaLogOptions } from '../../src/kafka/options.ts';
import type { LogReader, OutgoingRecord, TopicSpec } from '../../src/log.ts';

// A log of a namespace of its own, and what tests say often about one topic in it.

export const TASKS: TopicSpec = { name: 'tasks', partitions: 6, compacted: false, retentionMs: 3_600_000 };

export interface Ours extends AsyncDisposable {
  readonly log: KafkaLog;
  readonly metrics: KafkaMetrics;
  readonly namespace: string;
  /** The topic's name at the broker. */
  readonly topic: string;
}

/** With the topic `tasks`. */
export async function ours(
  brokers: readonly string[],
  {
    namespace = `${randomUUID()}.`,
    clock = systemClock,
    ...options
  }: Partial<KafkaLogOptions> & { readonly clock?: Clock } = {},
): Promise<Ours> {
  const metrics = kafkaMetrics();
  const log = await openKafkaLog({
    clock,
    random: systemRandom,
    logger: silentLogger,
    metrics,
    options: { recordBytesMax: 100_000, batchBytesMax: 200_000, heartbeatMs: 100, ...options, brokers, namespace },
  });
  await log.ensureTopics([TASKS]);
  return {
    log,
    metrics,
    namespace,
    topic: `${namespace}${TASKS.name}`,
    [Symbol.asyncDispose]: () => log.close(),
  };
}

export const task = (partition: number, value: string): OutgoingRecord => ({
  topic: TASKS.name,
  partition,
  key: null,
  value: Buffer.from(value),
});

export const at = (partition: number, offset: number) => ({ topic: TASKS.name, partition, offset });

export function readerOf(log: KafkaLog, partition: number, offset: number | 'earliest' = 'earliest') {
  return log.openReader({ group: 'reads', from: [{ topic: TASKS.name, partition, offset }] });
}

/** Up to where the partition ends for readers of committed records. */
export async function valuesOf(log: KafkaLog, partition: number): Promise<string[]> {
  const reader = await readerOf(log, partition);
  const end = (await log.bounds(TASKS.name, 'committed'))[partition]?.end ?? 0;
  const values: string[] = [];
  while ((reader.positions()[0]?.offset ?? end) < end) {
    for (const { records } of await fetchSome(reader)) {
      values.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
    }
  }
  await reader.close();
  return values;
}

export const fetchSome = (reader: LogReader) => reader.fetch({ maxBytes: 1_000_000, maxWaitMs: 10_000 });
