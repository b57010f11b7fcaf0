import { assert } from '@tidemark/base';
import { closed, memberFenced } from './errors.ts';
import type { GroupEvent, GroupMember } from './group.ts';
import type { Group } from './groups.ts';
import type { Position, TopicPartition } from './log.ts';
import { keyOf } from './sticky-assign.ts';

// One member of a group in this process.
//
//   waiting ── assign ──▶ assigned ── next: told ──▶ working ── revoke ──▶ revoking ── next: told ──▶ finishing ── next ──▶ waiting
//                             └──────────────── revoke: it never knew ─────────────────────────────────────────────────────▶
//
// It may commit from `assigned` to `finishing`; a group waits for all its members to be `waiting`.

type Phase = 'waiting' | 'assigned' | 'working' | 'revoking' | 'finishing' | 'left' | 'expelled';

export class Member implements GroupMember {
  readonly memberId: string;
  readonly topics: readonly string[];
  readonly #group: Group;
  #phase: Phase = 'waiting';
  #generation = 0;
  #owned: readonly TopicPartition[] = [];
  /** Of the assignment before, for the next one to stick to. */
  #had: readonly TopicPartition[] = [];
  /** What it was told of and has been nobody else's since. */
  #unbroken = new Set<string>();
  #expelledBecause = '';
  #asking = false;
  #wake: (() => void) | undefined;

  constructor(group: Group, memberId: string, topics: readonly string[]) {
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
    this.#group.host.commit(this.#group.name, positions);
  }

  async close(): Promise<void> {
    if (this.#phase === 'left' || this.#phase === 'expelled') return;
    this.#phase = 'left';
    this.#owned = [];
    this.wake();
    this.#group.remove(this);
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

  expel(why: string): void {
    if (this.#phase === 'left' || this.#phase === 'expelled') return;
    this.#phase = 'expelled';
    this.#expelledBecause = why;
    this.#owned = [];
    this.wake();
    this.#group.remove(this);
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
    this.#group.host.mustBeOpen();
    if (this.#phase === 'expelled') throw this.#fenced(this.#expelledBecause);
  }

  #fenced(why: string, at?: TopicPartition): Error {
    return memberFenced(this.#group.name, this.memberId, why, at);
  }
}
