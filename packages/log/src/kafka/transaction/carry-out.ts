import { isTidemarkError } from '@tidemark/base';
import { memberFenced } from '../../errors.ts';
import type { TopicPartition } from '../../log.ts';
import { BrokerFault, BrokerUnreachable, isFault } from '../broker-fault.ts';
import type { RetryOptions } from '../client.ts';
import type { CommitOwner, GroupOffset } from '../protocol/group-offsets.ts';
import type { BatchOutcome, PartitionBatch, TransactionOwner, TransactionWire } from './transaction-wire.ts';

// A whole transaction, carried out on brokers. Knows no clock and no connection: see the simulated brokers in its test.
//
//   add partitions ─┬─ batches, partition by partition ──────┬─ end: commit ── end again, until it is written everywhere
//                   └─ add group ── its positions, each group ┘        │
//                          │ something failed for good                 ├ refused, and every try was answered: not committed
//                          └─ end: abort, as far as it goes            └ refused or over, and one was not: nobody knows
//
// Every question is asked again after faults that something helps against, and of every one the second time does no harm: a
// batch is known by its sequence, positions are the same, and a commit that is decided answers so to whoever asks again.
// That last is also how a commit is seen to be written everywhere: until then the coordinator says CONCURRENT_TRANSACTIONS.

export interface CarryOutParts {
  readonly wire: TransactionWire;
  /** As KafkaClient.retrying. */
  retrying<T>(doing: string, work: () => Promise<T>, options?: RetryOptions): Promise<T>;
}

/** Batches of one partition, in order, with as many records as `counts` says. */
export interface PartitionBatches extends TopicPartition {
  readonly batches: readonly Uint8Array[];
}

export interface GroupOffsets {
  readonly group: string;
  readonly offsets: readonly GroupOffset[];
  /** On whose behalf, where that is a member. */
  readonly member: CommitOwner | undefined;
}

export interface WholeWrite {
  readonly owner: TransactionOwner;
  readonly partitions: readonly PartitionBatches[];
  readonly groups: readonly GroupOffsets[];
}

/** How a transaction did not succeed. `fenced` and `aborted` are certain: nothing of it is there. */
export class NotCarriedOut extends Error {
  override readonly name = 'NotCarriedOut';
  readonly outcome: 'fenced' | 'aborted' | 'unknown';

  constructor(outcome: 'fenced' | 'aborted' | 'unknown', cause: unknown) {
    super(outcome, { cause });
    this.outcome = outcome;
  }
}

// An abort that does not get through is the next owner's, or that of the brokers' own timeout.
const ABORT_MAX_MS = 5000;
// It is decided: whoever waits longer than this for it to be written everywhere waits for a broker that is gone.
const COMPLETE_MAX_MS = 10_000;

const FENCED = ['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_PRODUCER_ID_MAPPING'];
const NOT_A_MEMBER = ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID'];
/** A coordinator that answers one of these has not begun. */
const NOT_BEGUN = ['CONCURRENT_TRANSACTIONS', 'COORDINATOR_LOAD_IN_PROGRESS'];

/** The base offsets of all batches, in the order of `partitions`. Throws `NotCarriedOut`, `LOG_CLOSED`. */
export async function carryOut(parts: CarryOutParts, whole: WholeWrite): Promise<readonly (readonly number[])[]> {
  const { owner, partitions, groups } = whole;
  const { retrying, wire } = parts;
  const id = owner.transactionalId;
  let baseOffsets: readonly (readonly number[])[] = [];
  try {
    if (partitions.length > 0) {
      await retrying(`add partitions to a transaction of ${id}`, () => wire.addPartitions(owner, partitions));
    }
    // Both to their end, whatever becomes of the other: nothing is under way any more when it is aborted.
    const [produced, positions] = await Promise.allSettled([
      produceAll(parts, owner, partitions),
      sendGroups(parts, owner, groups),
    ]);
    if (produced.status === 'rejected') throw produced.reason;
    if (positions.status === 'rejected') throw positions.reason;
    baseOffsets = produced.value;
  } catch (error) {
    throw await abort(parts, owner, error);
  }
  await commit(parts, owner);
  return baseOffsets;
}

async function produceAll(
  { wire, retrying }: CarryOutParts,
  owner: TransactionOwner,
  partitions: readonly PartitionBatches[],
): Promise<readonly (readonly number[])[]> {
  const baseOffsets: number[][] = partitions.map(() => []);
  const next = () =>
    partitions.flatMap(({ topic, partition, batches }, i): (PartitionBatch & { readonly i: number })[] => {
      const bytes = batches[(baseOffsets[i] as number[]).length];
      return bytes === undefined ? [] : [{ topic, partition, bytes, i }];
    });
  // One batch of each partition at a time keeps the order over retries.
  for (let round = next(); round.length > 0; round = next()) {
    let left = round;
    await retrying(`append in a transaction of ${owner.transactionalId}`, async () => {
      const outcomes = await wire.produce(owner, left);
      for (const [k, outcome] of outcomes.entries()) {
        if ('baseOffset' in outcome) baseOffsets[(left[k] as (typeof left)[number]).i]?.push(outcome.baseOffset);
      }
      left = left.filter((_, k) => 'failure' in (outcomes[k] as BatchOutcome));
      throwWorst(outcomes);
    });
  }
  return baseOffsets;
}

/** The failure that nothing helps against, when there is one: asking again would be in vain. */
function throwWorst(outcomes: readonly BatchOutcome[]): void {
  const failures = outcomes.flatMap((outcome) => ('failure' in outcome ? [outcome.failure] : []));
  if (failures.length === 0) return;
  throw failures.find((failure) => !canHelp(failure)) ?? failures[0];
}

function canHelp(failure: unknown): boolean {
  return failure instanceof BrokerUnreachable || (failure instanceof BrokerFault && failure.helps !== 'nothing');
}

async function sendGroups(
  { wire, retrying }: CarryOutParts,
  owner: TransactionOwner,
  groups: readonly GroupOffsets[],
): Promise<void> {
  for (const { group, offsets, member } of groups) {
    const doing = `positions of group ${group} in a transaction of ${owner.transactionalId}`;
    await retrying(doing, () => wire.addOffsets(owner, group));
    try {
      await retrying(doing, () => wire.commitOffsets(owner, group, offsets, member));
    } catch (error) {
      if (member && isFault(faultOf(error), ...NOT_A_MEMBER)) {
        throw memberFenced(group, member.memberId, 'the group went on without it');
      }
      throw error;
    }
  }
}

async function abort({ wire, retrying }: CarryOutParts, owner: TransactionOwner, error: unknown): Promise<unknown> {
  if (isTidemarkError(error, 'LOG_CLOSED')) return error;
  if (isFault(faultOf(error), ...FENCED)) return new NotCarriedOut('fenced', error);
  try {
    const doing = `abort a transaction of ${owner.transactionalId}`;
    await retrying(doing, () => wire.end(owner, 'abort'), { maxMs: ABORT_MAX_MS });
  } catch {
    // The first error is the one to tell. Nothing asks for a commit any more, so it is aborted, sooner or later.
  }
  return new NotCarriedOut('aborted', error);
}

async function commit({ wire, retrying }: CarryOutParts, owner: TransactionOwner): Promise<void> {
  const doing = `commit a transaction of ${owner.transactionalId}`;
  let isInDoubt = false;
  try {
    await retrying(doing, async () => {
      try {
        await wire.end(owner, 'commit');
      } catch (error) {
        if (mayHaveBegun(error)) isInDoubt = true;
        throw error;
      }
    });
  } catch (error) {
    if (isTidemarkError(error, 'LOG_CLOSED')) throw error;
    if (!isInDoubt && isFault(faultOf(error), ...FENCED)) throw new NotCarriedOut('fenced', error);
    throw new NotCarriedOut('unknown', error);
  }
  try {
    await retrying(doing, () => wire.end(owner, 'commit'), { maxMs: COMPLETE_MAX_MS });
  } catch {
    // It is decided and durable. Another owner waits for it to be written everywhere, too, and a broker that comes back does it.
  }
}

function mayHaveBegun(error: unknown): boolean {
  return canHelp(error) && !isFault(error, ...NOT_BEGUN);
}

/** Of what `retrying` gave up with. */
function faultOf(error: unknown): unknown {
  return error instanceof BrokerFault ? error : error instanceof Error ? error.cause : undefined;
}
