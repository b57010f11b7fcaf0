import { tooManyGroups } from '../errors.ts';
import type { Position, TopicPartition } from '../log.ts';
import type { PositionChange } from './control-body.ts';

// How far each group has read. What changed is written to the journal with the next commit; retention believes only what
// is on disk, so that a position never comes back from a crash below what was removed.
//
//   held     group -> partition -> { offset, committed }        what commit and committed speak of
//   changed  what the next positions frame will say
//   durable  the same as held, as of the last positions frame on disk

/** Numbered as in the journal. */
export interface NumberedPartition {
  readonly topicId: number;
  readonly partition: number;
}

export interface Held {
  readonly offset: number;
  /** False: a reader was opened here; nothing was committed yet. */
  readonly committed: boolean;
}

type Groups = Map<string, Map<string, NumberedPartition & Held>>;

export class Positions {
  readonly #groupsMax: number;
  readonly #held: Groups = new Map();
  readonly #durable: Groups = new Map();
  #changed = new Map<string, PositionChange>();

  constructor(groupsMax: number) {
    this.#groupsMax = groupsMax;
  }

  get(group: string, at: NumberedPartition): Held | undefined {
    return this.#held.get(group)?.get(keyOf(at));
  }

  /** Throws `LOG_TOO_MANY_GROUPS` when the group is not known and would be one too many. */
  mayAdd(group: string): void {
    if (!this.#held.has(group) && this.#held.size >= this.#groupsMax) throw tooManyGroups(group, this.#groupsMax);
  }

  /** Throws `LOG_TOO_MANY_GROUPS`. */
  set(group: string, at: NumberedPartition, held: Held): void {
    this.mayAdd(group);
    const change: PositionChange = {
      kind: held.committed ? 'committed' : 'registered',
      group,
      topicId: at.topicId,
      partition: at.partition,
      offset: held.offset,
    };
    apply(this.#held, change);
    this.#changed.set(`${group}\u0000${keyOf(at)}`, change);
  }

  forget(group: string): void {
    const change: PositionChange = { kind: 'forgotten', group };
    apply(this.#held, change);
    for (const [key, { group: other }] of this.#changed) if (other === group) this.#changed.delete(key);
    // First in the frame, should the group come back before it is written.
    this.#changed = new Map([[group, change], ...this.#changed]);
  }

  get isDirty(): boolean {
    return this.#changed.size > 0;
  }

  /** What the next frame has to say; it is not dirty after this. */
  takeChanges(): PositionChange[] {
    const changes = [...this.#changed.values()];
    this.#changed.clear();
    return changes;
  }

  /** The frame could not be written. */
  giveBack(changes: readonly PositionChange[]): void {
    const newer = this.#changed;
    const newlyForgotten = new Set([...newer.values()].filter((c) => c.kind === 'forgotten').map((c) => c.group));
    this.#changed = new Map();
    for (const change of changes) {
      if (newlyForgotten.has(change.group)) continue;
      this.#changed.set(change.kind === 'forgotten' ? change.group : `${change.group}\u0000${keyOf(change)}`, change);
    }
    for (const [key, change] of newer) this.#changed.set(key, change);
  }

  /** These changes are on disk. */
  becameDurable(changes: readonly PositionChange[]): void {
    for (const change of changes) apply(this.#durable, change);
  }

  /** These changes are on disk with the transaction they belong to, behind whatever is still to be written. */
  settle(changes: readonly PositionChange[]): void {
    for (const change of changes) {
      apply(this.#held, change);
      apply(this.#durable, change);
      if (change.kind === 'forgotten') continue;
      const key = `${change.group}\u0000${keyOf(change)}`;
      // An older commit must not be written behind this one; a group to be forgotten has to come back after it.
      if (this.#changed.has(change.group)) this.#changed.set(key, change);
      else this.#changed.delete(key);
    }
  }

  /** At replay. */
  restore(changes: readonly PositionChange[]): void {
    for (const change of changes) {
      apply(this.#held, change);
      apply(this.#durable, change);
    }
  }

  /** At replay, before a snapshot is restored. */
  clear(): void {
    this.#held.clear();
    this.#durable.clear();
  }

  groups(): string[] {
    return [...this.#held.keys()];
  }

  /** All that is held, as changes: for a snapshot. */
  snapshot(): PositionChange[] {
    const all: PositionChange[] = [];
    for (const [group, partitions] of this.#held) {
      for (const { topicId, partition, offset, committed } of partitions.values()) {
        all.push({ kind: committed ? 'committed' : 'registered', group, topicId, partition, offset });
      }
    }
    return all;
  }

  /** The lowest durable position of any group; undefined when no group reads this partition. */
  leastDurable(at: NumberedPartition): { readonly offset: number; readonly group: string } | undefined {
    let least: { offset: number; group: string } | undefined;
    for (const [group, partitions] of this.#durable) {
      const held = partitions.get(keyOf(at));
      if (held && (least === undefined || held.offset < least.offset)) least = { offset: held.offset, group };
    }
    return least;
  }
}

export function positionAt(at: TopicPartition, offset: number): Position {
  return { topic: at.topic, partition: at.partition, offset };
}

function apply(groups: Groups, change: PositionChange): void {
  if (change.kind === 'forgotten') {
    groups.delete(change.group);
    return;
  }
  let partitions = groups.get(change.group);
  if (!partitions) {
    partitions = new Map();
    groups.set(change.group, partitions);
  }
  const { topicId, partition, offset, kind } = change;
  partitions.set(keyOf(change), { topicId, partition, offset, committed: kind === 'committed' });
}

function keyOf(at: NumberedPartition): string {
  return `${at.topicId}/${at.partition}`;
}
