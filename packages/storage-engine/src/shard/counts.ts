import type { HeadCounts } from '../head/head.ts';

/** What a shard counts of the samples (or rows) that reached it since the process started. */
export interface ShardCounts extends HeadCounts {
  /** At or below what a segment already has. */
  replayed: number;
  /** Records at or below the position. */
  redelivered: number;
  /** Found repeated or replaced when runs were merged: at checkpoints and seals. */
  mergedAway: number;
  /** Series refused, by reason. */
  readonly refusedSeries: Map<string, number>;
}

export function makeShardCounts(): ShardCounts {
  return {
    samples: 0,
    duplicates: 0,
    conflicts: 0,
    outOfOrder: 0,
    tooOld: 0,
    timeInvalid: 0,
    unknownSeries: 0,
    replayed: 0,
    redelivered: 0,
    mergedAway: 0,
    refusedSeries: new Map(),
  };
}
