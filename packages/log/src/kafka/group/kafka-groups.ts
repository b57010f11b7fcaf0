import { TidemarkError } from '@tidemark/base';
import { checkName, groupInUse, memberFenced, tooManyMembers } from '../../errors.ts';
import type { GroupMember, GroupOptions, Position, TopicPartition } from '../../log.ts';
import { isFault } from '../broker-fault.ts';
import type { KafkaClient } from '../client.ts';
import type { CommitOwner } from '../protocol/group-offsets.ts';
import { Membership } from './membership.ts';

// Members of groups in this process; those in others are the coordinator's to know.

export interface GroupsParts {
  readonly client: KafkaClient;
  /** Throws `LOG_CLOSED`. */
  mustBeOpen(): void;
  /** Throws `LOG_POSITION_LOST` beyond the end. */
  check(positions: readonly Position[]): Promise<void>;
}

export class KafkaGroups {
  readonly #parts: GroupsParts;
  readonly #members = new Set<Membership>();
  /** Of each group, those that are joining included. */
  readonly #counts = new Map<string, number>();
  /** Groups whose members here are over, and the last of each. */
  readonly #former = new Map<string, string>();
  #lastNumber = 0;

  constructor(parts: GroupsParts) {
    this.#parts = parts;
  }

  /** Throws `LOG_NAME_INVALID`, `LOG_TOPIC_UNKNOWN`, `LOG_TOO_MANY_MEMBERS`, `LOG_IO`, `LOG_DENIED`. */
  async join({ group, topics }: GroupOptions): Promise<GroupMember> {
    const { client, mustBeOpen, check } = this.#parts;
    mustBeOpen();
    checkName('group', group);
    const wanted = [...new Set(topics)];
    const { groupMembersMax } = client.options;
    if (this.#countOf(group) >= groupMembersMax) throw tooManyMembers(group, groupMembersMax);
    this.#count(group, 1);
    let ended = false;
    const end = () => {
      if (!ended) this.#count(group, -1);
      ended = true;
    };
    try {
      await Promise.all(wanted.map((topic) => client.topic(topic)));
      const membership = await Membership.join({
        client,
        group,
        topics: wanted,
        number: ++this.#lastNumber,
        mustBeOpen,
        check,
        onEnd: (each) => {
          this.#members.delete(each);
          this.#former.set(group, each.member.memberId);
          end();
        },
      });
      this.#members.add(membership);
      this.#former.delete(group);
      if (!client.isOpen) await membership.remove();
      mustBeOpen();
      return membership.member;
    } catch (error) {
      end();
      throw tooLarge(group, error);
    }
  }

  /** Throws `LOG_GROUP_IN_USE`: those outside have no say while there are members. Those elsewhere the broker knows of. */
  mustHaveNoMembers(group: string): void {
    const members = this.#countOf(group);
    if (members > 0) throw groupInUse(group, members);
  }

  /**
   * On whose behalf these positions are committed in a transaction; undefined: nobody here ever was a member. Throws
   * `LOG_FENCED` where somebody was: a broker takes positions in a transaction from whoever does not say that it is one.
   */
  ownerOf(group: string, partitions: readonly TopicPartition[]): CommitOwner | undefined {
    if (partitions.length === 0) return undefined;
    let other = this.#former.get(group);
    for (const { name, member, owner } of this.#members) {
      if (name !== group) continue;
      if (member.owns(partitions)) return owner;
      other = member.memberId;
    }
    if (other === undefined) return undefined;
    throw memberFenced(group, other, 'the group went on without it, or the partitions are those of another');
  }

  /** Whoever waits for an event is told that the log is closed, and others get their partitions. */
  async closeAll(): Promise<void> {
    const members = [...this.#members];
    for (const { member } of members) member.wake();
    await Promise.all(members.map((each) => each.remove()));
  }

  #countOf(group: string): number {
    return this.#counts.get(group) ?? 0;
  }

  #count(group: string, more: number): void {
    const count = this.#countOf(group) + more;
    if (count > 0) this.#counts.set(group, count);
    else this.#counts.delete(group);
  }
}

function tooLarge(group: string, error: unknown): unknown {
  const fault = error instanceof Error ? error.cause : undefined;
  if (!isFault(fault, 'GROUP_MAX_SIZE_REACHED')) return error;
  const message = `group ${group} has as many members as the brokers' group.max.size allows`;
  return new TidemarkError('LOG_TOO_MANY_MEMBERS', message, { group, limitName: 'group.max.size' }, error);
}
