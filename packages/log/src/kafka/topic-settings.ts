import { TidemarkError } from '@tidemark/base';
import type { TopicSpec } from '../log.ts';
import { checkSameTopic } from '../topic-spec.ts';
import type { KafkaLogOptions } from './options.ts';

// What a topic's settings at the broker must be for a log to keep its promises, and what they are when we create it.
//
//   cleanup.policy           as the spec says, compacted or not
//   retention.ms             at least the spec's intent: Kafka deletes by time, whoever has read
//   max.message.bytes        at least a batch of ours
//   min.insync.replicas      at least what is configured
//   message.timestamp.type   the broker's time, when we create it: a foreign clock must not decide when records go

export const SETTINGS = [
  'cleanup.policy',
  'retention.ms',
  'max.message.bytes',
  'min.insync.replicas',
  'message.timestamp.type',
] as const;

// Header of a batch, deltas and lengths of its records; compression may add some to what cannot be compressed.
const BATCH_OVERHEAD_BYTES = 64 * 1024;

type Sizes = Pick<KafkaLogOptions, 'batchBytesMax' | 'minInSyncReplicas'>;

/** The settings of a topic that is created. */
export function settingsOf(spec: TopicSpec, options: Sizes): Readonly<Record<string, string>> {
  return {
    'cleanup.policy': spec.compacted ? 'compact' : 'delete',
    'max.message.bytes': String(batchBytesNeeded(options)),
    'message.timestamp.type': 'LogAppendTime',
    ...(!spec.compacted && { 'retention.ms': String(spec.retentionMs) }),
    ...(options.minInSyncReplicas !== undefined && { 'min.insync.replicas': String(options.minInSyncReplicas) }),
  };
}

/** The spec of a topic that is there. A compacted one has no retention by time. */
export function specOf(name: string, partitions: number, configs: ReadonlyMap<string, string | null>): TopicSpec {
  const compacted = (configs.get('cleanup.policy') ?? '').split(',').includes('compact');
  const retentionMs = Number(configs.get('retention.ms') ?? 0);
  // -1: for ever.
  return {
    name,
    partitions,
    compacted,
    retentionMs: compacted ? 0 : retentionMs < 0 ? Number.MAX_SAFE_INTEGER : retentionMs,
  };
}

/** Throws `LOG_TOPIC_MISMATCH`, with what to do. */
export function checkSettings(
  wanted: TopicSpec,
  found: TopicSpec,
  configs: ReadonlyMap<string, string | null>,
  options: Sizes,
): void {
  checkSameTopic(wanted, found);
  if (!wanted.compacted) atLeast(wanted.name, 'retention.ms', wanted.retentionMs, found.retentionMs);
  const policy = configs.get('cleanup.policy') ?? '';
  if (wanted.compacted && policy.includes('delete')) {
    throw mismatch(wanted.name, 'cleanup.policy', 'compact', policy, 'its last values would be deleted by time');
  }
  atLeast(wanted.name, 'max.message.bytes', batchBytesNeeded(options), Number(configs.get('max.message.bytes')));
  const { minInSyncReplicas = 1 } = options;
  atLeast(wanted.name, 'min.insync.replicas', minInSyncReplicas, Number(configs.get('min.insync.replicas')));
}

function batchBytesNeeded({ batchBytesMax }: Sizes): number {
  return batchBytesMax + BATCH_OVERHEAD_BYTES;
}

function atLeast(topic: string, setting: string, wanted: number, found: number): void {
  if (found >= wanted) return;
  throw mismatch(topic, setting, `${wanted}`, `${found}`, 'it must be at least that');
}

function mismatch(topic: string, what: string, wanted: string, found: string, why: string): TidemarkError {
  const advice = `kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config ${what}=${wanted}`;
  return new TidemarkError(
    'LOG_TOPIC_MISMATCH',
    `topic ${topic} has ${what} ${found}, not ${wanted}: ${why}. Mend it with: ${advice}`,
    { topic, what, wanted, found },
  );
}
