import { isTidemarkError, messageOf } from '@tidemark/base';
import { memberFenced } from '../../errors.ts';
import type { Position, TopicPartition } from '../../log.ts';
import { Member, type MembersGroup } from '../../member.ts';
import { BrokerFault, BrokerUnreachable, isFault, kafkaError } from '../broker-fault.ts';
import type { KafkaClient } from '../client.ts';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../protocol/consumer-protocol.ts';
import {
  heartbeatRequest,
  type JoinAnswer,
  type JoinedMember,
  joinGroupRequest,
  leaveGroupRequest,
  type MemberShare,
  syncGroupRequest,
} from '../protocol/group-members.ts';
import { type CommitOwner, offsetCommitRequest, refusedOf } from '../protocol/group-offsets.ts';
import type { KafkaRequest } from '../protocol/request.ts';
import { sharesOf, type Wish } from './shares.ts';

// One member of a group of Kafka, as its coordinator knows it.
//
//   joining ── JoinGroup (waits for all) ── SyncGroup (the leader shares out) ──▶ settled: `assigned`
//      ▲                                                                             │ a heartbeat says: rebalance
//      └────── its user has given up what it had ◀── giving up: `revoked` ◀──────────┘
//
// Heartbeats go all the time, on a connection of their own. What they meet:
//
//   rebalance                   settled: give up, join again
//   the member is not known     settled, giving up: others have its partitions; it is told LOG_FENCED, and that was it
//                               joining: it has nothing any more, and joins under a new id
//   no answer, or moved         joining: the join hangs on a coordinator that is gone; again with the new one
//                               else nothing: the coordinator, wherever it is by now, decides about the session
//
// Who joins for the first time has no generation yet: its heartbeats are refused by a coordinator that is there, in whatever
// words, and that is all they ask.
//
// A process that was stopped for longer than a session finds out by its next heartbeat, or by a commit before that: both are
// refused by the generation they name.

export interface MembershipParts {
  readonly client: KafkaClient;
  readonly group: string;
  readonly topics: readonly string[];
  /** Of those in this process: names its connection. */
  readonly number: number;
  /** Throws `LOG_CLOSED`. */
  mustBeOpen(): void;
  /** Throws `LOG_POSITION_LOST` beyond the end. */
  check(positions: readonly Position[]): Promise<void>;
  /** It is over. */
  onEnd(membership: Membership): void;
}

type Stage = 'joining' | 'settled' | 'giving up';

const PROTOCOL_TYPE = 'consumer';
// Members of other programs share out otherwise: they are refused.
const PROTOCOL = 'tidemark-sticky';
const MEMBER_ID_REQUIRED = 79;
const UNKNOWN_MEMBER_ID = 25;
const REBALANCE_IN_PROGRESS = 27;
const ILLEGAL_GENERATION = 22;
const NO_GENERATION = -1;
// A coordinator that does not answer a farewell finds out by the end of the session.
const LEAVE_MAX_MS = 2000;

export class Membership implements MembersGroup {
  readonly name: string;
  readonly member: Member;
  readonly #parts: MembershipParts;
  readonly #client: KafkaClient;
  readonly #lane: string;
  readonly #stop = new AbortController();
  #stage: Stage = 'joining';
  #owner: CommitOwner;
  /** The last generation it was assigned something in. */
  #settledIn = NO_GENERATION;
  #wake: (() => void) | undefined;
  #leaving: Promise<void> | undefined;

  private constructor(parts: MembershipParts, memberId: string) {
    this.#parts = parts;
    this.#client = parts.client;
    this.name = parts.group;
    this.#lane = laneOf(parts);
    this.#owner = { generation: NO_GENERATION, memberId };
    this.member = new Member(this, memberId, parts.topics);
  }

  /** Throws `LOG_TOO_MANY_MEMBERS`, `LOG_IO`, `LOG_DENIED`. */
  static async join(parts: MembershipParts): Promise<Membership> {
    const { client, group } = parts;
    const request = joinRequest(parts, '', [], NO_GENERATION);
    const options = { lane: laneOf(parts), timeoutMs: client.options.requestMaxMs };
    const { memberId } = await client.retrying(`join group ${group}`, () =>
      client.sendToCoordinator('group', group, request, ({ error }) => unless(error, MEMBER_ID_REQUIRED), options),
    );
    const membership = new Membership(parts, memberId);
    void membership.#run();
    void membership.#beat();
    return membership;
  }

  get generation(): number {
    return this.#owner.generation;
  }

  /** As brokers know it. */
  get owner(): CommitOwner {
    return this.#owner;
  }

  mustBeOpen(): void {
    this.#parts.mustBeOpen();
  }

  async commit(_member: Member, positions: readonly Position[]): Promise<void> {
    // Now: while the positions are checked, it may come to own other partitions in another generation.
    const owner = this.#owner;
    await this.#parts.check(positions);
    if (positions.length === 0) return;
    const client = this.#client;
    const offsets = positions.map((at) => ({ ...at, topic: client.names.toBroker(at.topic) }));
    const request = offsetCommitRequest(client.names.toBroker(this.name), offsets, owner);
    try {
      await client.retrying(`commit positions of group ${this.name}`, () =>
        client.sendToCoordinator('group', this.name, request, ({ results }) => refusedOf(results)),
      );
    } catch (error) {
      throw this.#commitFailed(owner, error);
    }
  }

  settleSoon(): void {
    this.#wake?.();
  }

  remove(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        await this.#until(() => this.member.hasGivenUp);
        this.#stage = 'joining';
        const joined = await this.#join();
        const assigned = await this.#sync(joined);
        if (!assigned) continue;
        this.#settle(assigned);
        await this.#until(() => this.#stage === 'giving up');
        this.member.revoke();
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#fail(error);
    }
  }

  /** Waits; rejects when the member is over. */
  async #until(isSo: () => boolean): Promise<void> {
    for (;;) {
      this.#stop.signal.throwIfAborted();
      if (isSo()) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #join(): Promise<JoinAnswer> {
    const client = this.#client;
    for (let tries = 0; ; tries++) {
      const request = joinRequest(this.#parts, this.#owner.memberId, this.member.had, this.#settledIn);
      const answer = await this.#ask('join', request, MEMBER_ID_REQUIRED, UNKNOWN_MEMBER_ID);
      const { error, generation, memberId } = answer;
      if (error === 0) {
        this.#owner = { generation, memberId };
        return answer;
      }
      this.#owner = { generation: NO_GENERATION, memberId: error === MEMBER_ID_REQUIRED ? memberId : '' };
      if (error === UNKNOWN_MEMBER_ID) this.member.forgetKept();
      await client.backOff(tries, this.#stop.signal);
    }
  }

  /** Undefined: the group changes again already. */
  async #sync({ leader, members }: JoinAnswer): Promise<readonly TopicPartition[] | undefined> {
    const shares = leader === this.#owner.memberId ? await this.#shareOut(members) : [];
    const { names } = this.#client;
    const request = syncGroupRequest(names.toBroker(this.name), this.#owner, shares);
    const answer = await this.#ask('sync', request, REBALANCE_IN_PROGRESS, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID);
    if (answer.error !== 0) return undefined;
    return decodeAssignment(answer.assignment).map(({ topic, partition }) => ({
      topic: names.fromBroker(topic) ?? topic,
      partition,
    }));
  }

  /** Asks the coordinator, whoever it is, until it answers with success or one of these. */
  async #ask<T extends { readonly error: number }>(
    what: string,
    request: KafkaRequest<T>,
    ...but: readonly number[]
  ): Promise<T> {
    const client = this.#client;
    const { rebalanceMaxMs, requestMaxMs } = client.options;
    const options = { lane: this.#lane, timeoutMs: rebalanceMaxMs + requestMaxMs };
    return await client.retrying(
      `${what} group ${this.name}`,
      () => client.sendToCoordinator('group', this.name, request, ({ error }) => unless(error, ...but), options),
      { maxMs: Number.POSITIVE_INFINITY, signal: this.#stop.signal },
    );
  }

  async #shareOut(members: readonly JoinedMember[]): Promise<readonly MemberShare[]> {
    const { names } = this.#client;
    const wishes = members.map((member) => this.#wishOf(member));
    const topics = [...new Set(wishes.flatMap((wish) => wish.topics))].sort();
    const partitions = (await Promise.all(topics.map((topic) => this.#partitionsOf(topic)))).flat();
    return sharesOf(wishes, partitions).map((share) => ({
      memberId: share.memberId,
      assignment: encodeAssignment(
        share.partitions.map(({ topic, partition }) => ({ topic: names.toBroker(topic), partition })),
      ),
    }));
  }

  #wishOf({ memberId, metadata }: JoinedMember): Wish {
    const { names, logger } = this.#client;
    try {
      const { topics, owned, generation } = decodeSubscription(metadata);
      const had = owned.map(({ topic, partition }) => ({ topic: names.fromBroker(topic) ?? topic, partition }));
      return { memberId, topics: topics.map((topic) => names.fromBroker(topic) ?? topic), had, generation };
    } catch (error) {
      // One that cannot be read must not keep the others from theirs.
      logger.warn('a member of the group cannot be understood, and gets nothing', {
        group: this.name,
        memberId,
        error: messageOf(error),
      });
      return { memberId, topics: [], had: [], generation: NO_GENERATION };
    }
  }

  /** None of a topic that is not there. As long as no broker answers it asks again: the others wait for the leader. */
  async #partitionsOf(topic: string): Promise<readonly TopicPartition[]> {
    const client = this.#client;
    for (let tries = 0; ; tries++) {
      try {
        return (await client.topic(topic)).partitions.map(({ partition }) => ({ topic, partition }));
      } catch (error) {
        if (isTidemarkError(error, 'LOG_TOPIC_UNKNOWN')) return [];
        if (!isTidemarkError(error, 'LOG_IO')) throw error;
        await client.backOff(tries, this.#stop.signal);
      }
    }
  }

  #settle(partitions: readonly TopicPartition[]): void {
    this.#stop.signal.throwIfAborted();
    const { generation } = this.#owner;
    // In a generation between, others may have owned what it gets now.
    if (generation !== this.#settledIn + 1) this.member.forgetKept();
    this.#settledIn = generation;
    this.#stage = 'settled';
    this.#client.metrics.assignments.with(this.name).add(partitions.length);
    this.member.assign(generation, partitions);
  }

  async #beat(): Promise<void> {
    const client = this.#client;
    const { heartbeatMs, requestMaxMs, sessionMaxMs } = client.options;
    const { signal } = this.#stop;
    const options = { lane: 'heartbeat', timeoutMs: Math.min(requestMaxMs, sessionMaxMs) };
    let tries = 0;
    while (!signal.aborted) {
      try {
        if (tries > 0) await client.backOff(tries, signal);
        else await client.clock.sleep(Math.min(heartbeatMs, sessionMaxMs / 3), signal);
      } catch {
        // The member, or the log, is over.
        return;
      }
      const owner = this.#owner;
      try {
        const request = heartbeatRequest(client.names.toBroker(this.name), owner);
        await client.sendToCoordinator('group', this.name, request, ({ error }) => error, options);
        tries = 0;
      } catch (error) {
        tries = this.#missed(owner, error) ? tries + 1 : 0;
      }
    }
  }

  /** A heartbeat met this. Returns whether to try again soon. */
  #missed(owner: CommitOwner, error: unknown): boolean {
    if (this.#stop.signal.aborted || owner !== this.#owner) return false;
    if (isFault(error, 'REBALANCE_IN_PROGRESS')) {
      if (this.#stage === 'settled') {
        this.#stage = 'giving up';
        this.#wake?.();
      }
      return false;
    }
    if (isFault(error, ...GONE)) {
      // Who is joining hears of it by the join itself.
      if (this.#stage !== 'joining') this.#expel(error);
      return false;
    }
    if (owner.generation === NO_GENERATION && error instanceof BrokerFault && error.helps === 'nothing') return false;
    if (error instanceof BrokerUnreachable || (error instanceof BrokerFault && error.helps !== 'nothing')) {
      this.#client.noteFault(error);
      const isGone = error instanceof BrokerUnreachable || error.helps === 'coordinator';
      if (this.#stage === 'joining' && isGone) this.#client.closeLane(this.#lane);
      return true;
    }
    this.#client.noteFault(error);
    this.#fail(kafkaError(error, `heartbeat of group ${this.name}`));
    return false;
  }

  #commitFailed(owner: CommitOwner, error: unknown): unknown {
    const fault = error instanceof Error ? error.cause : undefined;
    if (!isFault(fault, ...GONE, 'REBALANCE_IN_PROGRESS')) return error;
    if (isFault(fault, ...GONE)) this.#missed(owner, fault);
    return memberFenced(this.name, this.member.memberId, `the group went on without it (${fault.fault})`);
  }

  #expel(fault: BrokerFault): void {
    this.#client.metrics.expelled.with(this.name).add();
    this.member.expel(`the group went on without it (${fault.fault}): it was not heard of, or did not give up in time`);
  }

  #fail(error: unknown): void {
    this.member.expel('it failed', error);
  }

  async #leave(): Promise<void> {
    const client = this.#client;
    const { memberId } = this.#owner;
    this.#stop.abort(memberFenced(this.name, this.member.memberId, 'it is over'));
    this.#wake?.();
    client.closeLane(this.#lane);
    this.#parts.onEnd(this);
    if (memberId === '') return;
    const request = leaveGroupRequest(client.names.toBroker(this.name), memberId);
    try {
      await client.retrying(
        `leave group ${this.name}`,
        () =>
          client.sendToCoordinator('group', this.name, request, ({ error }) => unless(error, UNKNOWN_MEMBER_ID), {
            timeoutMs: LEAVE_MAX_MS,
          }),
        { maxMs: LEAVE_MAX_MS },
      );
    } catch (error) {
      client.logger.debug('leave group', { group: this.name, error: messageOf(error) });
    }
  }
}

const GONE = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'];

function laneOf({ number }: MembershipParts): string {
  return `member-${number}`;
}

function joinRequest(parts: MembershipParts, memberId: string, had: readonly TopicPartition[], generation: number) {
  const { client, group, topics } = parts;
  const { toBroker } = client.names;
  return joinGroupRequest({
    group: toBroker(group),
    memberId,
    sessionMs: client.options.sessionMaxMs,
    rebalanceMs: client.options.rebalanceMaxMs,
    protocolType: PROTOCOL_TYPE,
    protocol: PROTOCOL,
    metadata: encodeSubscription({
      topics: topics.map(toBroker),
      owned: had.map(({ topic, partition }) => ({ topic: toBroker(topic), partition })),
      generation,
    }),
  });
}

function unless(error: number, ...fine: readonly number[]): number {
  return fine.includes(error) ? 0 : error;
}
