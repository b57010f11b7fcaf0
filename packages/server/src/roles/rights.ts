import type { KafkaOperation, KafkaRights } from '@tidemark/log';
import { DEFAULT_TENANT, type TopicRole, topicName } from '@tidemark/model';
import type { Config, Role } from '../config/schema.ts';
import { sampleTopics } from './repartition.ts';
import { identityOf, storerGroup } from './store-identity.ts';

// What a process does with topics and groups of a Kafka that asks for rights, by its roles. docs/operating/kafka.md has the same
// as a table; a test holds one against the other.
//
// Beside these every process that opens the log sees all topics and their settings, and makes those that are missing: without
// that it does not come as far as to ask.

type Uses = Readonly<Record<string, readonly KafkaOperation[]>>;

interface RoleRights {
  readonly topics: Partial<Readonly<Record<TopicRole, readonly KafkaOperation[]>>>;
  readonly groups: Uses;
}

// A group that only reads is forgotten afterwards.
const READS_ONCE: readonly KafkaOperation[] = ['Delete'];

/** Whoever opens the log: the schemas of what is in it. */
const EVERYONE: RoleRights = {
  topics: { config: ['Read', 'Write'] },
  groups: { 'schema-reader': READS_ONCE },
};

/** Samples to the log, critical ones apart. */
const PIPELINE: RoleRights = {
  topics: { raw: ['Write'], 'raw-critical': ['Write'] },
  groups: { 'critical-metrics': READS_ONCE },
};

const NOTHING: RoleRights = { topics: {}, groups: {} };

function usesOf(role: Role, config: Config): readonly RoleRights[] {
  switch (role) {
    case 'query':
    case 'ui':
      return [NOTHING];
    case 'ingest':
    case 'collect':
      return [PIPELINE];
    case 'repartition':
      return [
        PIPELINE,
        {
          // Those of others may be among them.
          topics: { samples: ['Read', 'DescribeConfigs'], 'dead-letter': ['Write'] },
          groups: {
            repartition: ['Read'],
            [config.registry.url === '' ? 'embedded-registry' : 'writer-schemas']: READS_ONCE,
          },
        },
      ];
    case 'rollup':
      return [
        {
          topics: {
            raw: ['Read'],
            'raw-critical': ['Read'],
            '1m': ['Write'],
            '1h': ['Write'],
            'dead-letter': ['Write'],
          },
          groups: { rollup: ['Read'] },
        },
      ];
    case 'store':
      return [
        {
          // Deletes are written to raw; rows made anew to theirs.
          topics: {
            raw: ['Read', 'Write'],
            'raw-critical': ['Read', 'Write'],
            '1m': ['Read', 'Write'],
            '1h': ['Read', 'Write'],
            samples: ['Describe'],
          },
          // How far the others are.
          groups: { [storerGroup(identityOf(config))]: ['Read'], rollup: ['Describe'], repartition: ['Describe'] },
        },
      ];
    case 'rules':
      return [
        PIPELINE,
        {
          topics: { alerts: ['Write'], 'alert-state': ['Read', 'Write'] },
          groups: { [`rules-restore-${DEFAULT_TENANT}`]: READS_ONCE },
        },
      ];
    case 'notify':
      return [
        {
          // Alerts that others post are written as those of rules are.
          topics: {
            alerts: ['Read', 'Write'],
            'alert-state': ['Read', 'Write'],
            'notify-ledger': ['Read', 'Write'],
            audit: ['Write'],
          },
          groups: {
            notifier: ['Read'],
            'notifier-ledger': READS_ONCE,
            'notifier-restore': READS_ONCE,
            'notifier-silences': READS_ONCE,
          },
        },
      ];
  }
}

/** Names as the log has them: a namespace comes before them at the brokers. */
export function rightsOf(config: Config): KafkaRights {
  const topics = new Map<string, Set<KafkaOperation>>();
  const groups = new Map<string, Set<KafkaOperation>>();
  const add = (to: typeof topics, name: string, operations: readonly KafkaOperation[]) =>
    to.set(name, new Set([...(to.get(name) ?? []), ...operations]));
  for (const uses of [EVERYONE, ...config.roles.flatMap((role) => usesOf(role, config))]) {
    for (const [role, operations] of Object.entries(uses.topics)) {
      const names =
        role === 'samples'
          ? sampleTopics(config).map(({ topic }) => topic)
          : [topicName(role as TopicRole, config.log.topicPrefix)];
      for (const name of names) add(topics, name, operations);
    }
    for (const [group, operations] of Object.entries(uses.groups)) add(groups, group, operations);
  }
  return { topics: operationsBy(topics), groups: operationsBy(groups) };
}

function operationsBy(names: ReadonlyMap<string, ReadonlySet<KafkaOperation>>): Uses {
  return Object.fromEntries([...names].map(([name, operations]) => [name, [...operations].sort()]));
}
