import type { TopicPartition } from './log.ts';

// Who gets which partition. Pure; the same answer for the same question.
//
//   1. everyone keeps what it had, while the partition is there and the topic wanted
//   2. what nobody has goes to whoever has least
//   3. while one has at least two more than another who could take it, it gives one over
//
// So among members of the same topics counts differ by one at most, and no partition moves that need not.

export interface Candidate {
  readonly memberId: string;
  readonly topics: readonly string[];
  /** What it had in the assignment before. */
  readonly had: readonly TopicPartition[];
}

/** The partitions of each candidate, in their order. `candidates` in the order of joining. */
export function assignSticky(
  candidates: readonly Candidate[],
  partitions: readonly TopicPartition[],
): readonly (readonly TopicPartition[])[] {
  const shares = candidates.map((candidate) => new Share(candidate));
  const ownerOf = new Map<string, Share>();
  for (const share of shares) {
    for (const at of share.had) if (!ownerOf.has(keyOf(at))) ownerOf.set(keyOf(at), share);
  }
  for (const at of partitions) {
    const owner = ownerOf.get(keyOf(at));
    if (owner?.wants(at.topic)) owner.owned.push(at);
  }
  for (const at of partitions) {
    if (ownerOf.get(keyOf(at))?.wants(at.topic)) continue;
    least(shares, at.topic)?.owned.push(at);
  }
  while (moveOne(shares));
  const order = new Map(partitions.map((at, i) => [at, i]));
  return shares.map(({ owned }) => owned.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0)));
}

export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

class Share {
  readonly had: readonly TopicPartition[];
  readonly owned: TopicPartition[] = [];
  readonly #topics: ReadonlySet<string>;

  constructor({ had, topics }: Candidate) {
    this.had = had;
    this.#topics = new Set(topics);
  }

  wants(topic: string): boolean {
    return this.#topics.has(topic);
  }

  countOf(topic: string): number {
    return this.owned.filter((at) => at.topic === topic).length;
  }
}

/** Of those who want the topic: the one with least, then with least of this topic, then the first. */
function least(shares: readonly Share[], topic: string): Share | undefined {
  let found: Share | undefined;
  for (const share of shares) {
    if (!share.wants(topic)) continue;
    const more = found ? share.owned.length - found.owned.length || share.countOf(topic) - found.countOf(topic) : -1;
    if (more < 0) found = share;
  }
  return found;
}

function moveOne(shares: readonly Share[]): boolean {
  const byLoad = [...shares].sort((a, b) => b.owned.length - a.owned.length);
  for (const from of byLoad) {
    for (let i = from.owned.length - 1; i >= 0; i--) {
      const at = from.owned[i] as TopicPartition;
      const to = least(shares, at.topic);
      if (!to || to.owned.length + 1 >= from.owned.length) continue;
      from.owned.splice(i, 1);
      to.owned.push(at);
      return true;
    }
  }
  return false;
}
