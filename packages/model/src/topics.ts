import { hash32 } from '@tidemark/base';

// Every topic: name, what it carries, how it is partitioned, how long it must be kept. The prefix is configurable.
//
//   samples       one Avro record a sample, any key, from anyone            -> repartition -> raw
//   raw           SampleBatch, partitioned by (tenant, metric name)         kept 48 h on Kafka
//   raw-critical  the same for metrics marked critical, consumed first
//   1m, 1h        RowBatch, partitioned as raw                              kept 4 d, 10 d
//   alerts        alert events (Avro), keyed by tenant and rule group
//   alert-state   compacted: state of every active alert
//   config        compacted: partition counts, ownership, schema ids, silences, rules
//   notify-ledger, segments, audit, dead-letter

export type TopicRole =
  | 'samples'
  | 'raw'
  | 'raw-critical'
  | '1m'
  | '1h'
  | 'alerts'
  | 'alert-state'
  | 'notify-ledger'
  | 'config'
  | 'segments'
  | 'audit'
  | 'dead-letter';

/** Topics of raw samples; a partition of either has one owner. Their order is their number in marks and files: append only. */
export const RAW_ROLES = ['raw', 'raw-critical'] as const;
export type RawRole = (typeof RAW_ROLES)[number];

/** Whether a topic of this name, whatever its prefix, is the one of critical samples. */
export function isCriticalTopic(name: string): boolean {
  return name === 'raw-critical' || name.endsWith('.raw-critical');
}

export interface TopicIntent {
  readonly role: TopicRole;
  /** `data`: as many partitions as configured; `one`: a single one. */
  readonly partitions: 'data' | 'one';
  readonly compacted: boolean;
  /** Least time records must be kept on a log that deletes by time. Ignored for compacted topics. */
  readonly retentionMs: number;
}

const HOUR_MS = 3_600_000;
const intent = (role: TopicRole, partitions: 'data' | 'one', retentionMs: number, compacted = false): TopicIntent => ({
  role,
  partitions,
  compacted,
  retentionMs,
});

export const TOPIC_INTENTS: readonly TopicIntent[] = [
  intent('samples', 'data', 48 * HOUR_MS),
  intent('raw', 'data', 48 * HOUR_MS),
  intent('raw-critical', 'data', 48 * HOUR_MS),
  intent('1m', 'data', 96 * HOUR_MS),
  intent('1h', 'data', 240 * HOUR_MS),
  intent('alerts', 'one', 168 * HOUR_MS),
  intent('alert-state', 'one', 0, true),
  intent('notify-ledger', 'one', 0, true),
  intent('config', 'one', 0, true),
  intent('segments', 'one', 48 * HOUR_MS),
  intent('audit', 'one', 168 * HOUR_MS),
  intent('dead-letter', 'one', 168 * HOUR_MS),
];

export function topicName(role: TopicRole, prefix = 'tidemark'): string {
  return `${prefix}.${role}`;
}

/**
 * The partition of a series: by tenant and metric name, so that all series of a metric meet in one place.
 * `hash32(tenant) seeds hash32(metric name)`, modulo the count. Stable: stored data depends on it.
 */
export function partitionOf(
  tenantHash: number,
  bytes: Uint8Array,
  nameStart: number,
  nameEnd: number,
  partitions: number,
): number {
  return hash32(bytes, nameStart, nameEnd, tenantHash) % partitions;
}

export function tenantHash(tenant: string): number {
  return hash32(Buffer.from(tenant, 'utf8'));
}
