import { TidemarkError } from '@tidemark/base';
import type { ErrorCode } from './protocol/request.ts';
import { type Asker, deniedError } from './rights.ts';

// What brokers answer instead of what was asked for, and what helps.
//
//   fault  { name, helps }   inside this folder: whoever asked decides by `helps`
//      |
//      v  kafkaError
//   TidemarkError LOG_*      what the port's callers get, when nothing helped or nothing can
//
//   helps   'wait'         ask again later, the same broker
//           'leaders'      somebody else leads the partition now: refresh the metadata, ask again
//           'coordinator'  somebody else keeps the group or transaction now: find it, ask again
//           'nothing'      the same question gets the same answer

export type Helps = 'wait' | 'leaders' | 'coordinator' | 'nothing';

const wait = 'wait';
const leaders = 'leaders';
const coordinator = 'coordinator';
const nothing = 'nothing';

/** Code -> name (as in the protocol guide) and what helps. Codes that are not here get 'nothing'. */
const FAULTS: Readonly<Record<number, readonly [name: string, helps: Helps]>> = {
  [-1]: ['UNKNOWN_SERVER_ERROR', nothing],
  1: ['OFFSET_OUT_OF_RANGE', nothing],
  2: ['CORRUPT_MESSAGE', wait],
  3: ['UNKNOWN_TOPIC_OR_PARTITION', leaders],
  4: ['INVALID_FETCH_SIZE', nothing],
  5: ['LEADER_NOT_AVAILABLE', leaders],
  6: ['NOT_LEADER_OR_FOLLOWER', leaders],
  7: ['REQUEST_TIMED_OUT', wait],
  8: ['BROKER_NOT_AVAILABLE', leaders],
  9: ['REPLICA_NOT_AVAILABLE', leaders],
  10: ['MESSAGE_TOO_LARGE', nothing],
  13: ['NETWORK_EXCEPTION', leaders],
  14: ['COORDINATOR_LOAD_IN_PROGRESS', wait],
  15: ['COORDINATOR_NOT_AVAILABLE', coordinator],
  16: ['NOT_COORDINATOR', coordinator],
  17: ['INVALID_TOPIC_EXCEPTION', nothing],
  18: ['RECORD_LIST_TOO_LARGE', nothing],
  19: ['NOT_ENOUGH_REPLICAS', wait],
  20: ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', wait],
  21: ['INVALID_REQUIRED_ACKS', nothing],
  22: ['ILLEGAL_GENERATION', nothing],
  23: ['INCONSISTENT_GROUP_PROTOCOL', nothing],
  24: ['INVALID_GROUP_ID', nothing],
  25: ['UNKNOWN_MEMBER_ID', nothing],
  26: ['INVALID_SESSION_TIMEOUT', nothing],
  27: ['REBALANCE_IN_PROGRESS', nothing],
  28: ['INVALID_COMMIT_OFFSET_SIZE', nothing],
  29: ['TOPIC_AUTHORIZATION_FAILED', nothing],
  30: ['GROUP_AUTHORIZATION_FAILED', nothing],
  31: ['CLUSTER_AUTHORIZATION_FAILED', nothing],
  32: ['INVALID_TIMESTAMP', nothing],
  35: ['UNSUPPORTED_VERSION', nothing],
  36: ['TOPIC_ALREADY_EXISTS', nothing],
  37: ['INVALID_PARTITIONS', nothing],
  38: ['INVALID_REPLICATION_FACTOR', nothing],
  39: ['INVALID_REPLICA_ASSIGNMENT', nothing],
  40: ['INVALID_CONFIG', nothing],
  41: ['NOT_CONTROLLER', leaders],
  42: ['INVALID_REQUEST', nothing],
  44: ['POLICY_VIOLATION', nothing],
  45: ['OUT_OF_ORDER_SEQUENCE_NUMBER', nothing],
  46: ['DUPLICATE_SEQUENCE_NUMBER', nothing],
  47: ['INVALID_PRODUCER_EPOCH', nothing],
  48: ['INVALID_TXN_STATE', nothing],
  49: ['INVALID_PRODUCER_ID_MAPPING', nothing],
  50: ['INVALID_TRANSACTION_TIMEOUT', nothing],
  51: ['CONCURRENT_TRANSACTIONS', wait],
  52: ['TRANSACTION_COORDINATOR_FENCED', nothing],
  53: ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', nothing],
  55: ['OPERATION_NOT_ATTEMPTED', wait],
  56: ['KAFKA_STORAGE_ERROR', leaders],
  59: ['UNKNOWN_PRODUCER_ID', nothing],
  68: ['NON_EMPTY_GROUP', nothing],
  69: ['GROUP_ID_NOT_FOUND', nothing],
  74: ['FENCED_LEADER_EPOCH', leaders],
  75: ['UNKNOWN_LEADER_EPOCH', leaders],
  78: ['OFFSET_NOT_AVAILABLE', wait],
  79: ['MEMBER_ID_REQUIRED', nothing],
  81: ['GROUP_MAX_SIZE_REACHED', nothing],
  82: ['FENCED_INSTANCE_ID', nothing],
  84: ['NO_REASSIGNMENT_IN_PROGRESS', nothing],
  87: ['INVALID_RECORD', nothing],
  88: ['UNSTABLE_OFFSET_COMMIT', wait],
  89: ['THROTTLING_QUOTA_EXCEEDED', wait],
  90: ['PRODUCER_FENCED', nothing],
  100: ['UNKNOWN_TOPIC_ID', leaders],
};

/** Names are the log's. */
export interface FaultContext {
  /** What was asked: "Produce". */
  readonly request?: string;
  readonly topic?: string;
  /** Where it is the same with several. */
  readonly topics?: readonly string[];
  readonly partition?: number;
  readonly group?: string;
  readonly transactionalId?: string;
}

/** A broker's refusal. Does not leave this folder: see `kafkaError`. */
export class BrokerFault extends Error {
  override readonly name = 'BrokerFault';
  readonly code: ErrorCode;
  /** As in the protocol guide: `NOT_COORDINATOR`. */
  readonly fault: string;
  readonly helps: Helps;
  readonly context: FaultContext;
  /** Noted by the client that met it. */
  asker: Asker | undefined;

  constructor(code: ErrorCode, what: string, context: FaultContext = {}) {
    const [fault, helps] = FAULTS[code] ?? [`error code ${code}`, 'nothing'];
    super(`${what}: ${fault}`);
    this.code = code;
    this.fault = fault;
    this.helps = helps;
    this.context = context;
  }
}

export function faultName(code: ErrorCode): string {
  return FAULTS[code]?.[0] ?? `error code ${code}`;
}

export function helpsAgainst(code: ErrorCode): Helps {
  return FAULTS[code]?.[1] ?? 'nothing';
}

/** Throws `BrokerFault` unless the code is 0. */
export function mustSucceed(code: ErrorCode, what: string, context?: FaultContext): void {
  if (code !== 0) throw new BrokerFault(code, what, context);
}

export function isFault(error: unknown, ...faults: readonly string[]): error is BrokerFault {
  return error instanceof BrokerFault && (faults.length === 0 || faults.includes(error.fault));
}

/** No answer came: the connection could not be made, broke, or the time was over. Whether the broker did it is open. */
export class BrokerUnreachable extends Error {
  override readonly name = 'BrokerUnreachable';
  readonly broker: string;
  /** The request had been written when this happened: the broker may have done what was asked. */
  readonly mayBeDone: boolean;

  constructor(broker: string, what: string, mayBeDone: boolean, cause?: unknown) {
    super(`${broker}: ${what}`, cause === undefined ? undefined : { cause });
    this.broker = broker;
    this.mayBeDone = mayBeDone;
  }
}

/** A fault nothing helped against, as the port's callers know it. `LOG_*` errors and our own mistakes pass as they are. */
export function kafkaError(error: unknown, doing: string): unknown {
  if (error instanceof BrokerUnreachable) {
    return new TidemarkError('LOG_IO', `${doing}: no answer from Kafka (${error.message})`, { doing }, error);
  }
  if (!(error instanceof BrokerFault)) return error;
  const denied = deniedError(error, doing);
  if (denied !== undefined) return denied;
  const { context, fault } = error;
  const { request, topics, ...details } = context;
  if (fault === 'UNKNOWN_TOPIC_OR_PARTITION') {
    const topic = context.topic ?? 'unknown';
    return new TidemarkError('LOG_TOPIC_UNKNOWN', `there is no topic ${topic}; ensureTopics creates it`, { topic });
  }
  return new TidemarkError('LOG_IO', `${doing}: Kafka answers ${fault}`, { doing, fault, ...details }, error);
}
