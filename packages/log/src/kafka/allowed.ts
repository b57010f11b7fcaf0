import { isTidemarkError } from '@tidemark/base';
import { isFault } from './broker-fault.ts';
import type { KafkaClient } from './client.ts';
import {
  type Authorized,
  authorizedOnGroupRequest,
  authorizedOnTopicsRequest,
} from './protocol/authorized-operations.ts';
import { type Missing, missingError, type Operation, type ResourceKind } from './rights.ts';

// Whether this client may do what it is going to, asked of brokers before it does: all that is missing is told at once.

/** By name. */
export type Wanted = Readonly<Record<string, readonly Operation[]>>;

export interface KafkaRights {
  readonly topics: Wanted;
  readonly groups: Wanted;
}

export type AskedClient = Pick<KafkaClient, 'asker' | 'names' | 'retrying' | 'sendToAny' | 'sendToCoordinator'>;

/** Of a topic, and of a group. */
const DENIED: readonly number[] = [29, 30];
// 5 s: whether a group that nobody keeps just now may be used is told to whoever uses it.
const GROUP_MAX_MS = 5_000;
/** Of brokers that have no such answer. */
const UNSAID = -(2 ** 31);

const BITS: Readonly<Record<Operation, number>> = {
  Read: 3,
  Write: 4,
  Create: 5,
  Delete: 6,
  Describe: 8,
  DescribeConfigs: 10,
  IdempotentWrite: 12,
};

/** Throws `LOG_DENIED` with everything that is missing; `LOG_IO`. Topics and groups that are not there may be asked about. */
export async function mustBeAllowed(client: AskedClient, { topics, groups }: KafkaRights): Promise<void> {
  const { toBroker } = client.names;
  const request = authorizedOnTopicsRequest(Object.keys(topics).map(toBroker));
  const onTopics = await client.retrying('look up rights on topics', () => client.sendToAny(request));
  const onGroups = await Promise.all(Object.keys(groups).map((group) => authorizedOn(client, group)));
  const missing = [
    ...missingOf('topic', topics, onTopics.topics, toBroker),
    ...missingOf('group', groups, onGroups.flat(), toBroker),
  ];
  if (missing.length > 0) throw missingError(missing, client.asker);
}

async function authorizedOn(client: AskedClient, group: string): Promise<readonly Authorized[]> {
  const name = client.names.toBroker(group);
  const request = authorizedOnGroupRequest(name);
  const ask = async () => {
    try {
      return (await client.sendToCoordinator('group', group, request, ({ groups }) => groups[0]?.error ?? 0)).groups;
    } catch (error) {
      // Not even that it is there may be known.
      if (isFault(error, 'GROUP_AUTHORIZATION_FAILED')) return [{ name, error: error.code, operations: UNSAID }];
      throw error;
    }
  };
  try {
    return await client.retrying(`look up rights on group ${group}`, ask, { maxMs: GROUP_MAX_MS });
  } catch (error) {
    if (isTidemarkError(error, 'LOG_IO')) return [];
    throw error;
  }
}

/** Those that lack the same together. One that is not there yet, or of which brokers do not say, lacks nothing: whoever uses it is told then. */
function missingOf(
  kind: ResourceKind,
  wanted: Wanted,
  found: readonly Authorized[],
  toBroker: (name: string) => string,
): readonly Missing[] {
  const lacking = Object.entries(wanted).flatMap(([name, operations]) => {
    const authorized = found.find((each) => each.name === toBroker(name));
    const isDenied = authorized !== undefined && DENIED.includes(authorized.error);
    const isSaid = authorized?.error === 0 && authorized.operations !== UNSAID;
    if (!isDenied && !isSaid) return [];
    const allowed = isDenied ? 0 : authorized.operations;
    const lacks = operations.filter((operation) => (allowed & (1 << BITS[operation])) === 0);
    return lacks.length === 0 ? [] : [{ name, lacks }];
  });
  return [...Map.groupBy(lacking, ({ lacks }) => lacks.join())].map(([, same]) => ({
    kind,
    names: same.map(({ name }) => name),
    operations: same[0]?.lacks ?? [],
  }));
}
