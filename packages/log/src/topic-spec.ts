import { topicInvalid, topicMismatch } from './errors.ts';
import type { TopicSpec } from './log.ts';

// 249 and this alphabet: what Kafka takes, so that a name never has to change. It is also safe as a folder name.
const NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const PARTITIONS_MAX = 10_000;

/** Throws `LOG_TOPIC_INVALID`. */
export function checkTopicSpec(spec: TopicSpec): void {
  if (!NAME.test(spec.name) || spec.name === '.' || spec.name === '..') {
    throw topicInvalid(spec.name, 'a name is 1 to 249 of letters, digits, dot, underscore and hyphen');
  }
  if (!Number.isInteger(spec.partitions) || spec.partitions < 1 || spec.partitions > PARTITIONS_MAX) {
    throw topicInvalid(spec.name, `partitions is a whole number from 1 to ${PARTITIONS_MAX}, not ${spec.partitions}`);
  }
  if (!Number.isSafeInteger(spec.retentionMs) || spec.retentionMs < 0) {
    throw topicInvalid(spec.name, `retentionMs is a whole number of milliseconds, not ${spec.retentionMs}`);
  }
}

/** Throws `LOG_TOPIC_MISMATCH`. Retention may differ: it is only an intent. */
export function checkSameTopic(wanted: TopicSpec, found: TopicSpec): void {
  if (wanted.partitions !== found.partitions) {
    throw topicMismatch(wanted.name, 'partitions', wanted.partitions, found.partitions);
  }
  if (wanted.compacted !== found.compacted) {
    throw topicMismatch(wanted.name, 'compacted', wanted.compacted, found.compacted);
  }
}
