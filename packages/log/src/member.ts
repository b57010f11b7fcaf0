import { assert } from '@tidemark/base';
import { closed, memberFenced } from './errors.ts';
import type { GroupEvent, GroupMember } from './group.ts';
import type { Position, TopicPartition } from './log.ts';
import { keyOf } from './sticky-assign.ts';

// One member of a group: what its user was told, and what it may ask for. Who else there is, and who gets what, is its group's
// to know: groups.ts for logs of one process, kafka/group/ for members anywhere.
//
//   waiting ── assign ──▶ assigned ── next: told ──▶ working ── revoke ──▶ revoking ── next: told ──▶ finishing ── next ──▶ waiting
//                             └──────────────── revoke: it never knew ─────────────────────────────────────────────────────▶
//
// It may commit from `assigned` to `finishing`; a group waits for all its members to be `waiting`.

/** The group as one member sees it. */
export interface MembersGroup {
  readonly name: string;
  /** Of the last assignment. */
  readonly generation: number;
  /** Throws `LOG_CLOSED`. */
  mustBeOpen(): void;
  /** Of partitions that are the member's own. Throws what `Log.commit` throws, and then committed nothing. */
  commit(member: Member, positions: readonly Position[]): void | Promise<void>;
  /** A member has given up what it had. */
  settleSoon(): void;
  /** The member left, or was expelled. */
  remove(member: Member): void | Promise<void>;
}

type Phase = 'waiting' | 'assigned' | 'working' | 'revoking' | 'finishing' | 'left' | 'expelled';

export class Member implements GroupMember {
  readonly memberId: string;
  readonly topics: readonly string[];
  readonly #group: MembersGroup;
  #phase: Phase = 'waiting';
  #generation = 0;
  #owned: readonly TopicPartition[] = [];
  /** Of the assignment before, for the next one to stick to. */
  #had: readonly TopicPartition[] = [];
  /** What it was told of and has been nobody else's since. */
  #unbroken = new Set<string>();
  #expelledBy: unknown;
  #asking = false;
  #wake: (() => void) | undefined;

  constructor(group: MembersGroup, memberId: string, topics: readonly string[]) {
    this.#group = group;
    this.memberId = memberId;
    this.topics = topics;
  }

  get generation(): number {
    return this.#generation;
  }

  get had(): readonly TopicPartition[] {
    return this.#had;
  }

  owns(positions: readonly TopicPartition[]): boolean {
    const owned = new Set(this.#owned.map(keyOf));
    return positions.every((at) => owned.has(keyOf(at)));
  }

  get hasGivenUp(): boolean {
    return this.#phase === 'waiting';
  }

  async next(): Promise<GroupEvent | undefined> {
    this.#mustBeIn();
    assert(!this.#asking, 'a member asks for one event at a time');
    this.#asking = true;
    try {
      if (this.#phase === 'finishing') this.#giveUp();
      for (;;) {
        if (this.#phase === 'left') return undefined;
        this.#mustBeIn();
        if (this.#phase === 'assigned') return this.#tellAssigned();
        if (this.#phase === 'revoking') return this.#tellRevoked();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    } finally {
      this.#asking = false;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GroupEvent> {
    try {
      for (;;) {
        const event = await this.next();
        if (!event) return;
        yield event;
      }
    } finally {
      await this.close();
    }
  }

  async commit(positions: readonly Position[], generation?: number): Promise<void> {
    this.#mustBeIn();
    if (this.#phase === 'left') throw closed('group member');
    if (generation !== undefined && generation !== this.#generation) {
      throw this.#fenced(`generation ${generation} is over, the group is at ${this.#group.generation}`);
    }
    const owned = new Set(this.#owned.map(keyOf));
    for (const at of positions) {
      if (!owned.has(keyOf(at))) throw this.#fenced(`${keyOf(at)} is not its own`, at);
    }
    await this.#group.commit(this, positions);
  }

  async close(): Promise<void> {
    if (this.#phase === 'left' || this.#phase === 'expelled') return;
    this.#phase = 'left';
    this.#owned = [];
    this.wake();
    await this.#group.remove(this);
  }

  /** The group changes: what it has is to be given up. */
  revoke(): void {
    if (this.#phase === 'assigned') this.#giveUp();
    else if (this.#phase === 'working') this.#phase = 'revoking';
    this.wake();
  }

  assign(generation: number, partitions: readonly TopicPartition[]): void {
    assert(this.#phase === 'waiting', 'who is assigned something has given up what it had');
    this.#phase = 'assigned';
    this.#generation = generation;
    this.#owned = partitions;
    const keys = new Set(partitions.map(keyOf));
    this.#unbroken = new Set([...this.#unbroken].filter((key) => keys.has(key)));
    this.wake();
  }

  /** Others may have owned what it had: nothing of it counts as kept. */
  forgetKept(): void {
    this.#unbroken.clear();
  }

  /** The group goes on without it. `error` where it is more than that: what its user is told. */
  expel(why: string, error: unknown = this.#fenced(why)): void {
    if (this.#phase === 'left' || this.#phase === 'expelled') return;
    this.#phase = 'expelled';
    this.#expelledBy = error;
    this.#owned = [];
    this.wake();
    void this.#group.remove(this);
  }

  wake(): void {
    this.#wake?.();
  }

  #tellAssigned(): GroupEvent {
    this.#phase = 'working';
    const partitions = this.#owned;
    const kept = partitions.filter((at) => this.#unbroken.has(keyOf(at)));
    const added = partitions.filter((at) => !this.#unbroken.has(keyOf(at)));
    this.#unbroken = new Set(partitions.map(keyOf));
    return { kind: 'assigned', generation: this.#generation, partitions, kept, added };
  }

  #tellRevoked(): GroupEvent {
    this.#phase = 'finishing';
    return { kind: 'revoked', generation: this.#generation, partitions: this.#owned };
  }

  #giveUp(): void {
    this.#phase = 'waiting';
    this.#had = this.#owned;
    this.#owned = [];
    this.#group.settleSoon();
  }

  #mustBeIn(): void {
    this.#group.mustBeOpen();
    if (this.#phase === 'expelled') throw this.#expelledBy;
  }

  #fenced(why: string, at?: TopicPartition): Error {
    return memberFenced(this.#group.name, this.memberId, why, at);
  }
}
