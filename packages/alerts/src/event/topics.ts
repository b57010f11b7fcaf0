import type { TopicSpec } from '@tidemark/log';
import { TOPIC_INTENTS, type TopicRole, topicName } from '@tidemark/model';

/** The topics that rules and notifier live on; each has one partition. */
export function alertTopics(topicPrefix?: string): readonly TopicSpec[] {
  const roles: readonly TopicRole[] = ['alerts', 'alert-state', 'notify-ledger', 'config', 'audit'];
  return TOPIC_INTENTS.filter((intent) => roles.includes(intent.role)).map(({ role, compacted, retentionMs }) => ({
    name: topicName(role, topicPrefix),
    partitions: 1,
    compacted,
    retentionMs,
  }));
}
