import { TidemarkError } from '@tidemark/base';
import type { BrokerFault } from './broker-fault.ts';
import type { KafkaLogOptions } from './options.ts';

// What the brokers' ACLs deny a client, and the commands that grant it.
//
//   the fault's code  ─▶ on what: a topic, a group, a transactional id, the cluster
//   the request       ─▶ which operation it takes there
//   who asked         ─▶ the principal, and names as brokers know them

export type Operation = 'Read' | 'Write' | 'Create' | 'Delete' | 'Describe' | 'DescribeConfigs' | 'IdempotentWrite';

export type ResourceKind = 'topic' | 'group' | 'transactional id' | 'cluster';

/** Every one of the operations on every one of the resources. Names are the log's; of the cluster none. */
export interface Missing {
  readonly kind: ResourceKind;
  readonly names: readonly string[];
  readonly operations: readonly Operation[];
}

interface Denial {
  readonly kind: ResourceKind;
  /** Of requests that take another operation than `others`. */
  readonly operations: Readonly<Record<string, Operation>>;
  readonly others: Operation;
}

const DENIALS: Readonly<Record<number, Denial>> = {
  29: {
    kind: 'topic',
    operations: {
      AddPartitionsToTxn: 'Write',
      CreateTopics: 'Create',
      DescribeConfigs: 'DescribeConfigs',
      ListOffsets: 'Describe',
      Metadata: 'Describe',
      OffsetFetch: 'Describe',
      Produce: 'Write',
    },
    others: 'Read',
  },
  30: { kind: 'group', operations: { DeleteGroups: 'Delete', OffsetFetch: 'Describe' }, others: 'Read' },
  31: { kind: 'cluster', operations: {}, others: 'IdempotentWrite' },
  53: { kind: 'transactional id', operations: {}, others: 'Write' },
};

/** Whose rights they are. */
export interface Asker {
  readonly bootstrap: string;
  /** Undefined: only brokers know. */
  readonly principal: string | undefined;
  toBroker(name: string): string;
}

export function askerOf({ brokers, namespace, sasl, tls }: KafkaLogOptions): Asker {
  const hasCertificate = typeof tls === 'object' && tls.cert !== undefined;
  const anonymous = hasCertificate ? undefined : 'ANONYMOUS';
  return {
    bootstrap: brokers[0] ?? '',
    principal: sasl === undefined ? anonymous : 'username' in sasl ? sasl.username : undefined,
    toBroker: (name) => `${namespace}${name}`,
  };
}

/** `LOG_DENIED`; undefined where something else is wrong. */
export function deniedError(fault: BrokerFault, doing: string): TidemarkError | undefined {
  const denial = DENIALS[fault.code];
  if (denial === undefined) return undefined;
  const { kind } = denial;
  const { request = '', topics, ...details } = fault.context;
  const operation = denial.operations[request] ?? denial.others;
  const missing = { kind, names: namesOf(kind, fault), operations: [operation] };
  const message = `${doing}: ${wordsOf([missing], fault.asker)}`;
  return new TidemarkError(
    'LOG_DENIED',
    message,
    { doing, fault: fault.fault, resource: kind, operation, ...details },
    fault,
  );
}

/** `LOG_DENIED` before anything was tried. */
export function missingError(missing: readonly Missing[], asker: Asker): TidemarkError {
  return new TidemarkError('LOG_DENIED', wordsOf(missing, asker), { user: asker.principal ?? 'NAME' });
}

function namesOf(kind: ResourceKind, { context }: BrokerFault): readonly string[] {
  const { group, topic, topics, transactionalId } = context;
  if (kind === 'topic' && topics !== undefined) return topics;
  const one = { topic, group, 'transactional id': transactionalId, cluster: undefined }[kind];
  return one === undefined ? [] : [one];
}

function wordsOf(missing: readonly Missing[], asker: Asker | undefined): string {
  const user = asker?.principal === undefined ? 'this client' : `User:${asker.principal}`;
  const named = missing.map(({ names, ...of }) => ({
    ...of,
    names: names.map((each) => asker?.toBroker(each) ?? each),
  }));
  const denied = named.map(({ kind, names, operations }) => {
    const also = kind === 'cluster' ? ' (Write on a topic will do from Kafka 2.8 on)' : '';
    return `${operations.join(' and ')} on ${[kind, names.join(', ')].join(' ').trimEnd()}${also}`;
  });
  const commands = named.map((each) => commandOf(each, asker));
  return `the brokers' ACLs deny ${user} ${denied.join('; ')}. Grant it with: ${commands.join(' && ')}`;
}

function commandOf({ kind, names, operations }: Missing, asker: Asker | undefined): string {
  const option = `--${kind.replace(' ', '-')}`;
  return [
    `kafka-acls.sh --bootstrap-server ${asker?.bootstrap ?? 'HOST:PORT'} --add`,
    `--allow-principal ${quoted(`User:${asker?.principal ?? 'NAME'}`)}`,
    ...operations.map((operation) => `--operation ${operation}`),
    ...(kind === 'cluster' ? [option] : names.map((name) => `${option} ${quoted(name)}`)),
  ].join(' ');
}

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w.:@/-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
