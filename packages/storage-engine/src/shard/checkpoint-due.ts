import type { Clock } from '@tidemark/base';
import type { StorageOptions } from '../options.ts';

// When the next checkpoint is due. It writes the whole head, so it costs by the number of series; what it saves is the replay
// after a crash, which costs by the number of entries:
//
//   few entries    every five minutes: a replay of some seconds, and of minutes of log
//   many           every million, or six a series where that is more: a checkpoint then costs less than applying them did
//
// Earlier where one shard has half of what it may have waiting.

type Limits = Pick<
  StorageOptions,
  | 'checkpointEveryMs'
  | 'checkpointEntriesMin'
  | 'checkpointEntriesPerSeries'
  | 'outOfOrderMax'
  | 'histogramBytesMax'
  | 'pendingBytesMax'
>;

/** What counts of a shard. */
export interface WaitingShard {
  readonly registry: { readonly count: number };
  readonly head: { readonly outOfOrder: { readonly count: number; readonly histogramBytes: number } };
  readonly pendingBytes: number;
}

export class CheckpointDue {
  readonly #clock: Clock;
  readonly #options: Limits;
  #lastMs: number;
  /** Applied since the last checkpoint began. */
  #entries = 0;

  constructor(clock: Clock, options: Limits) {
    this.#clock = clock;
    this.#options = options;
    this.#lastMs = clock.nowMs();
  }

  applied(entries: number): void {
    this.#entries += entries;
  }

  /** A checkpoint begins. Returns what to call once it is durable. */
  begin(): () => void {
    const held = this.#entries;
    return () => {
      this.#entries -= held;
      this.#lastMs = this.#clock.nowMs();
    };
  }

  isDue(shards: Iterable<WaitingShard>): boolean {
    const { checkpointEveryMs, checkpointEntriesMin, checkpointEntriesPerSeries } = this.#options;
    if (this.#clock.nowMs() - this.#lastMs >= checkpointEveryMs) return true;
    let series = 0;
    for (const shard of shards) {
      if (this.#isFull(shard)) return true;
      series += shard.registry.count;
    }
    return this.#entries >= Math.max(checkpointEntriesMin, series * checkpointEntriesPerSeries);
  }

  #isFull(shard: WaitingShard): boolean {
    const { outOfOrderMax, histogramBytesMax, pendingBytesMax } = this.#options;
    const { count, histogramBytes } = shard.head.outOfOrder;
    return (
      count * 2 >= outOfOrderMax || histogramBytes * 2 >= histogramBytesMax || shard.pendingBytes * 2 >= pendingBytesMax
    );
  }
}
