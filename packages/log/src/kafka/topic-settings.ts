import { TidemarkError } from '@tidemark/base';
import type { TopicSpec } from '../log.ts';
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
type Place = Pick<KafkaLogOptions, 'brokers' | 'namespace'>;

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
  options: Sizes & Place,
): void {
  const check = new Check(wanted.name, options);
  check.partitions(wanted, found.partitions);
  const policy = configs.get('cleanup.policy') ?? '';
  if (wanted.compacted) check.policy('compact', policy, 'last values of keys would be deleted by time');
  else check.policy('delete', policy, 'records would be dropped when their key comes again');
  if (!wanted.compacted) check.atLeast('retention.ms', wanted.retentionMs, found.retentionMs);
  check.atLeast('max.message.bytes', batchBytesNeeded(options), Number(configs.get('max.message.bytes')));
  const { minInSyncReplicas = 1 } = options;
  check.atLeast('min.insync.replicas', minInSyncReplicas, Number(configs.get('min.insync.replicas')));
}

function batchBytesNeeded({ batchBytesMax }: Sizes): number {
  return batchBytesMax + BATCH_OVERHEAD_BYTES;
}

/** Of one topic: whatever is wrong is said with the command that mends it. */
class Check {
  readonly #topic: string;
  readonly #named: string;
  readonly #server: string;

  constructor(topic: string, { brokers, namespace }: Place) {
    this.#topic = topic;
    this.#named = `${namespace}${topic}`;
    this.#server = `--bootstrap-server ${brokers[0]}`;
  }

  /** With another count samples of a series would go elsewhere than those before them, to whoever does not have these. */
  partitions(wanted: TopicSpec, found: number): void {
    if (wanted.partitions === found) return;
    const { partitionsSetting: setting } = wanted;
    const advice =
      setting === undefined
        ? 'Delete the topic with all that is in it, or choose another kafka.namespace'
        : `Configure ${setting}: ${found}, as the topic has. Its count cannot be changed, here or at the broker: series would go on in other partitions than those of their past, where whoever has it does not read`;
    const why = 'records would go where nobody reads';
    throw this.#mismatch('partitions', String(wanted.partitions), String(found), why, advice);
  }

  policy(wanted: string, found: string, why: string): void {
    if (wanted !== found) throw this.#setting('cleanup.policy', wanted, found, why);
  }

  atLeast(setting: string, wanted: number, found: number): void {
    if (!(found >= wanted)) throw this.#setting(setting, String(wanted), String(found), 'it must be at least that');
  }

  #setting(what: string, wanted: string, found: string, why: string): TidemarkError {
    const topic = `--entity-type topics --entity-name ${this.#named}`;
    const command = `kafka-configs.sh ${this.#server} --alter ${topic} --add-config ${what}=${wanted}`;
    return this.#mismatch(what, wanted, found, why, `Mend it with: ${command}`);
  }

  #mismatch(what: string, wanted: string, found: string, why: string, advice: string): TidemarkError {
    const message = `topic ${this.#named} has ${what} ${found}, not ${wanted}: ${why}. ${advice}`;
    return new TidemarkError('LOG_TOPIC_MISMATCH', message, { topic: this.#topic, what, wanted, found });
  }
}
