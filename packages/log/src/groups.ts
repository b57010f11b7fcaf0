import type { Clock } from '@tidemark/base';
import { checkName, groupInUse, tooManyMembers } from './errors.ts';
import type { GroupMember, GroupOptions } from './group.ts';
import type { Position, TopicPartition } from './log.ts';
import { Member, type MembersGroup } from './member.ts';
import { assignSticky } from './sticky-assign.ts';

// Who owns which partition, for logs that live in one process with all their members.
//
//   settled ── someone joins, leaves, dies ──▶ changing: whoever owns something is told `revoked`
//      ▲                                          │  each asks for its next event: done
//      │                                          │  or does not, for rebalanceMaxMs: the group goes on without it
//      └── generation + 1, all are `assigned` ◀───┘
//
// All of this is memory: a member dies with its process, and with it every claim it had.

export interface GroupLimits {
  readonly groupMembersMax: number;
  readonly rebalanceMaxMs: number;
}

/** What a log does for its groups. */
export interface GroupHost {
  readonly clock: Clock;
  readonly limits: GroupLimits;
  /** Throws `LOG_CLOSED`. */
  mustBeOpen(): void;
  /** Throws `LOG_TOPIC_UNKNOWN`. */
  partitionsOf(topic: string): readonly TopicPartition[];
  /** From now on the group holds bytes of these back. Throws `LOG_TOO_MANY_GROUPS`. */
  register(group: string, partitions: readonly TopicPartition[]): void;
  /** Throws what `Log.commit` throws, and then committed nothing. */
  commit(group: string, positions: readonly Position[]): void;
}

export class Groups {
  readonly #host: GroupHost;
  readonly #groups = new Map<string, Group>();
  #lastMember = 0;

  constructor(host: GroupHost) {
    this.#host = host;
  }

  join({ group: name, topics }: GroupOptions): GroupMember {
    this.#host.mustBeOpen();
    checkName('group', name);
    const wanted = [...new Set(topics)];
    const partitions = wanted.flatMap((topic) => this.#host.partitionsOf(topic));
    const group = this.#groups.get(name) ?? new Group(name, this.#host);
    const { groupMembersMax } = this.#host.limits;
    if (group.members.size >= groupMembersMax) throw tooManyMembers(name, groupMembersMax);
    this.#host.register(name, partitions);
    this.#groups.set(name, group);
    return group.add(`${name}-${++this.#lastMember}`, wanted);
  }

  /** Throws `LOG_GROUP_IN_USE`: those outside have no say while there are members. */
  mustHaveNoMembers(name: string): void {
    const members = this.#groups.get(name)?.members.size ?? 0;
    if (members > 0) throw groupInUse(name, members);
  }

  /** Throws `LOG_GROUP_IN_USE`. */
  forget(name: string): void {
    this.mustHaveNoMembers(name);
    this.#groups.delete(name);
  }

  /** The group goes on without this member, which has not been heard of. */
  expel(memberId: string, why: string): void {
    for (const group of this.#groups.values()) group.members.get(memberId)?.expel(why);
  }

  /** The log closes: whoever waits for an event is told. */
  closeAll(): void {
    for (const group of this.#groups.values()) group.end();
  }
}

/** One group; its members call back here. */
export class Group implements MembersGroup {
  readonly name: string;
  readonly host: GroupHost;
  /** In the order of joining. */
  readonly members = new Map<string, Member>();
  generation = 0;
  #changing = false;
  #ended = false;
  #cancelDeadline: (() => void) | undefined;

  constructor(name: string, host: GroupHost) {
    this.name = name;
    this.host = host;
  }

  add(memberId: string, topics: readonly string[]): Member {
    const member = new Member(this, memberId, topics);
    this.members.set(memberId, member);
    this.#change();
    return member;
  }

  mustBeOpen(): void {
    this.host.mustBeOpen();
  }

  commit(_member: Member, positions: readonly Position[]): void {
    this.host.commit(this.name, positions);
  }

  remove(member: Member): void {
    if (!this.members.delete(member.memberId)) return;
    this.#change();
  }

  /** A member has given up what it had; perhaps it was the last one. */
  settleSoon(): void {
    // Those who join or leave in one turn are one change.
    queueMicrotask(() => this.#settle());
  }

  end(): void {
    this.#cancelDeadline?.();
    this.#ended = true;
    for (const member of this.members.values()) member.wake();
  }

  #change(): void {
    if (this.#ended) return;
    if (!this.#changing) {
      this.#changing = true;
      this.#cancelDeadline = this.host.clock.after(this.host.limits.rebalanceMaxMs, () => this.#expelTheLate());
      for (const member of this.members.values()) member.revoke();
    }
    this.settleSoon();
  }

  #expelTheLate(): void {
    for (const member of [...this.members.values()]) {
      if (!member.hasGivenUp) member.expel('it did not give up its partitions within rebalanceMaxMs');
    }
  }

  #settle(): void {
    if (!this.#changing || this.#ended || [...this.members.values()].some((member) => !member.hasGivenUp)) return;
    this.#changing = false;
    this.#cancelDeadline?.();
    if (this.members.size === 0) return;
    this.generation++;
    const members = [...this.members.values()];
    const topics = new Set(members.flatMap((member) => member.topics));
    const partitions = [...topics].sort().flatMap((topic) => this.host.partitionsOf(topic));
    const shares = assignSticky(members, partitions);
    for (const [i, member] of members.entries()) member.assign(this.generation, shares[i] ?? []);
  }
}
