import type { Clock } from '@tidemark/base';
import type { Log, Position, TopicPartition } from '@tidemark/log';
import type { StorePosition } from '@tidemark/model';

// How far a storer has read each of its partitions, and who waits for it to get on.

export interface ProgressParts {
  readonly log: Log;
  readonly clock: Clock;
  /** Topics of samples: what readers wait for. */
  readonly topics: readonly string[];
  readonly partitions: readonly number[];
}

// A waiter looks again after so long even if nothing was applied: a deadline may have passed.
const LOOK_MS = 1000;

export class Progress {
  readonly #parts: ProgressParts;
  /** Next offset per topic partition, after its records are in the engine. */
  readonly #through = new Map<string, number>();
  #ends: readonly Position[] = [];
  #endsAtMs = Number.NEGATIVE_INFINITY;
  readonly #waiting = new Set<() => void>();

  constructor(parts: ProgressParts) {
    this.#parts = parts;
  }

  /** Records of the partition below this are in the store. */
  through(tp: TopicPartition): number {
    return this.#through.get(keyOf(tp)) ?? 0;
  }

  applied(tp: TopicPartition, nextOffset: number): void {
    this.#through.set(keyOf(tp), nextOffset);
  }

  /** After a turn of applying: whoever waits looks again. */
  wake(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Where the topics of samples end now, by the partitions that are stored here. */
  async ends(): Promise<readonly Position[]> {
    const { log, clock, topics, partitions } = this.#parts;
    const bounds = (await Promise.all(topics.map((topic) => log.bounds(topic)))).flat();
    this.#ends = bounds
      .filter(({ partition }) => partitions.includes(partition))
      .map(({ topic, partition, end }) => ({ topic, partition, offset: end }));
    this.#endsAtMs = clock.monotonicMs();
    return this.#ends;
  }

  /** As last known: asked anew when that is longer ago than `agoMs`. */
  async positions(agoMs: number): Promise<readonly StorePosition[]> {
    if (this.#parts.clock.monotonicMs() - this.#endsAtMs > agoMs) await this.ends();
    return this.positionsBefore(this.#ends);
  }

  /** As last known. */
  get known(): readonly StorePosition[] {
    return this.positionsBefore(this.#ends);
  }

  positionsBefore(ends: readonly Position[]): readonly StorePosition[] {
    return ends.map(({ topic, partition, offset: end }) => {
      const offset = this.through({ topic, partition });
      // What was written since the end was asked for may be here already.
      return { topic, partition, offset, end: Math.max(end, offset) };
    });
  }

  /** Resolves to whether all of these were reached in time. Throws the signal's reason. */
  async reached(positions: readonly Position[], timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const { clock } = this.#parts;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    while (positions.some((position) => this.through(position) < position.offset)) {
      signal?.throwIfAborted();
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0) return false;
      await this.#next(leftMs);
    }
    return true;
  }

  #next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        cancel();
        this.#waiting.delete(look);
        resolve();
      };
      const cancel = this.#parts.clock.after(Math.min(timeoutMs, LOOK_MS), look);
      this.#waiting.add(look);
    });
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
