import type { Clock } from '@tidemark/base';
import { tooManyGroups } from '../errors.ts';
import type { Position, TopicPartition } from '../log.ts';
import type { GroupPosition } from '../producers.ts';

// What the simulated log knows of its groups, and what of it survives a crash: commits older than positionsSyncMs, those of
// transactions at once, and all of them after `sync`.

interface Held extends Position {
  readonly group: string;
  /** False: only a reader was opened; it holds bytes back, but nothing was committed. */
  readonly committed: boolean;
  readonly atMs: number;
}

export interface SimPositionsOptions {
  readonly clock: Clock;
  readonly groupsMax?: number;
  readonly positionsSyncMs?: number;
}

const GROUPS_MAX = 1000;

export class SimPositions {
  readonly #options: SimPositionsOptions;
  #held = new Map<string, Held>();
  #durable: ReadonlyMap<string, Held> = new Map();

  constructor(options: SimPositionsOptions) {
    this.#options = options;
  }

  knows(group: string, at: TopicPartition): boolean {
    return this.#held.has(keyOf(group, at));
  }

  committed(group: string, at: TopicPartition): number | undefined {
    const held = this.#held.get(keyOf(group, at));
    return held?.committed ? held.offset : undefined;
  }

  /** Of all groups. */
  offsetsAt(at: TopicPartition): number[] {
    const here = [...this.#held.values()].filter((held) => held.topic === at.topic && held.partition === at.partition);
    return here.map(({ offset }) => offset);
  }

  /** Throws `LOG_TOO_MANY_GROUPS` when the group is not known and would be one too many. */
  mayAdd(group: string): void {
    const limit = this.#options.groupsMax ?? GROUPS_MAX;
    const groups = new Set([...this.#held.values()].map((held) => held.group));
    if (!groups.has(group) && groups.size >= limit) throw tooManyGroups(group, limit);
  }

  /** Throws `LOG_TOO_MANY_GROUPS`. */
  hold(group: string, positions: readonly Position[], committed: boolean): void {
    this.mayAdd(group);
    this.#syncOld();
    for (const position of positions) this.#set(group, position, committed);
  }

  /** Committed with a transaction: durable as it is. */
  settle(positions: readonly GroupPosition[]): void {
    this.#syncOld();
    const durable = new Map(this.#durable);
    for (const position of positions) {
      const [key, held] = this.#set(position.group, position, true);
      durable.set(key, held);
    }
    this.#durable = durable;
  }

  forget(group: string): void {
    for (const [key, held] of this.#held) if (held.group === group) this.#held.delete(key);
    this.sync();
  }

  sync(): void {
    this.#durable = new Map(this.#held);
  }

  /** As they are found again: after a crash without those that were too young. */
  copy(options: SimPositionsOptions, crashed: boolean): SimPositions {
    this.#syncOld();
    const copy = new SimPositions(options);
    copy.#held = new Map(crashed ? this.#durable : this.#held);
    copy.#durable = new Map(copy.#held);
    return copy;
  }

  #set(group: string, { topic, partition, offset }: Position, committed: boolean): [string, Held] {
    const key = keyOf(group, { topic, partition });
    const held = { group, topic, partition, offset, committed, atMs: this.#options.clock.nowMs() };
    this.#held.set(key, held);
    return [key, held];
  }

  #syncOld(): void {
    const cutMs = this.#options.clock.nowMs() - (this.#options.positionsSyncMs ?? Number.POSITIVE_INFINITY);
    const durable = new Map(this.#durable);
    for (const [key, held] of this.#held) if (held.atMs <= cutMs) durable.set(key, held);
    this.#durable = durable;
  }
}

function keyOf(group: string, at: TopicPartition): string {
  return `${group}\u0000${at.topic}\u0000${at.partition}`;
}
