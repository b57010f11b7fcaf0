import { expect, vi } from 'vitest';
import type { GroupEvent, GroupMember } from '../src/log.ts';
import { type KafkaParts, RAW } from './kafka-parts.ts';

// A member that does as the contract asks, and what several of them must come to.

export const ALL = [0, 1, 2, 3, 4, 5];

/** Does what the contract asks; what it owns now, and how it ended. */
export class Worker {
  readonly member: GroupMember;
  readonly events: GroupEvent[] = [];
  owned: readonly number[] = [];
  ended: unknown;

  constructor(member: GroupMember) {
    this.member = member;
    void this.#work();
  }

  static async join({ groups }: KafkaParts, topic = RAW): Promise<Worker> {
    return new Worker(await groups.join({ group: 'g', topics: [topic.name] }));
  }

  async #work(): Promise<void> {
    try {
      for await (const event of this.member) {
        this.events.push(event);
        this.owned = event.kind === 'assigned' ? event.partitions.map(({ partition }) => partition) : [];
      }
    } catch (error) {
      this.ended = error;
    }
    this.owned = [];
  }
}

export const until = (isSo: () => void, timeout = 90_000) => vi.waitFor(isSo, { timeout, interval: 20 });

/** Every partition has one owner among these, each of whom has some. */
export const settled = (...workers: readonly Worker[]) =>
  until(() => {
    expect(workers.flatMap(({ owned }) => owned).sort()).toEqual(ALL);
    expect(workers.map(({ owned }) => owned.length)).toEqual(workers.map(() => 6 / workers.length));
  });
