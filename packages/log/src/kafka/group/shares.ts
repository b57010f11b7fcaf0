import type { TopicPartition } from '../../log.ts';
import { assignSticky, type Candidate, keyOf } from '../../sticky-assign.ts';

// Who of a group's members gets what, as its leader decides. Pure; the same answer for the same question.
//
// A member brings what it had and of which generation that was. One that missed generations may claim what is another's by
// now: the claim of the later generation counts.

export interface Wish {
  readonly memberId: string;
  readonly topics: readonly string[];
  readonly had: readonly TopicPartition[];
  /** Of `had`; -1: never had anything. */
  readonly generation: number;
}

export interface GroupShare {
  readonly memberId: string;
  readonly partitions: readonly TopicPartition[];
}

/** `partitions` of all topics that anyone wishes for. */
export function sharesOf(wishes: readonly Wish[], partitions: readonly TopicPartition[]): readonly GroupShare[] {
  // The broker lists members in no order.
  const ordered = [...wishes].sort((a, b) => b.generation - a.generation || (a.memberId < b.memberId ? -1 : 1));
  const latest = new Map<string, number>();
  for (const { had, generation } of ordered) {
    for (const at of had) latest.set(keyOf(at), Math.max(generation, latest.get(keyOf(at)) ?? -1));
  }
  const candidates: Candidate[] = ordered.map(({ memberId, topics, had, generation }) => ({
    memberId,
    topics,
    had: had.filter((at) => latest.get(keyOf(at)) === generation),
  }));
  const shares = assignSticky(candidates, partitions);
  return candidates.map(({ memberId }, i) => ({ memberId, partitions: shares[i] ?? [] }));
}
