import type { Position, TopicPartition } from './log.ts';

// Groups with members: every partition of the topics has one owner at a time.
//
//   member a   assigned 0 1 2 3 ......... revoked (next: done) ─┐
//   member b                     joins ─────────────────────────┴─ a assigned 0 1 (kept)   b assigned 2 3   generation 2
//
// Whenever someone comes, leaves or dies, all give up what they have and are assigned anew: the rebalance that every Kafka
// client knows. Assignment is sticky: a member that stays gets what it had, up to its fair share, and is told what it kept,
// so that its state for those may go on. Partitions are spread as evenly as the members' topics allow.
//
//   for await (const event of member) {
//     await stop();                                  // finish, commit; asking for the next event says: done
//     if (event.kind === 'assigned') start(event);   // openReader({ group, from: event.partitions at 'committed' })
//   }

export interface GroupOptions {
  /** 1 to 249 characters. */
  readonly group: string;
  readonly topics: readonly string[];
}

export type GroupEvent =
  | {
      /** All that was assigned. Commits go on until the next event is asked for, at most for rebalanceMaxMs. */
      readonly kind: 'revoked';
      readonly generation: number;
      readonly partitions: readonly TopicPartition[];
    }
  | {
      readonly kind: 'assigned';
      readonly generation: number;
      readonly partitions: readonly TopicPartition[];
      /** Those of `partitions` that nobody else owned since this member was told of them. */
      readonly kept: readonly TopicPartition[];
      readonly added: readonly TopicPartition[];
    };

export interface GroupMember extends AsyncIterable<GroupEvent> {
  readonly memberId: string;
  /** Of the last assignment; rises by one with each, from 1 when the log was opened. */
  readonly generation: number;
  /**
   * The next event, when there is one; undefined after `close`. One call at a time. Asking means that the last event was dealt
   * with. Throws `LOG_FENCED` when the group went on without this member, `LOG_CLOSED`.
   */
  next(): Promise<GroupEvent | undefined>;
  /**
   * Commits positions of partitions that are its own. Throws `LOG_FENCED` when one is not (any more), or when `generation` is
   * given and over; and what `Log.commit` throws. Then nothing is committed.
   */
  commit(positions: readonly Position[], generation?: number): Promise<void>;
  /** Leaves: the others get its partitions. Twice is fine. */
  close(): Promise<void>;
}
