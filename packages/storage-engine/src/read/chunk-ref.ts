import type { Columns } from '../chunk/columns.ts';
import type { SharedTimes } from '../chunk/shared-times.ts';
import type { Erasure } from '../deletes/erase.ts';

// A piece of a series, not yet decoded: where it lies and what it covers. Ranks say which of two samples at one time stands.
//
//   rank := sequence of the window's life x 2^40 + (0 in order | generation of the checkpoint that took it out of order)
//
// The lives of a window follow one another in log order, in one life what came out of order came after what came in order at
// the same time, and of two that came out of order the later checkpoint took the later one. What still waits in memory, out of
// order, is newest of all.

export const LIFE_RANK = 2 ** 40;
export const NEWEST_RANK = 2 ** 52;

/** Where blocks come from: a window's LevelDB or a segment. */
export interface BlockSource {
  /** Unique among all sources of the engine, for the cache. */
  readonly id: string;
  /** Whether its blocks belong in the block cache; a segment's are cached below, as ranges. */
  readonly cacheable: boolean;
  /** Times that its chunks name by number; only a segment has them. */
  readonly times?: SharedTimes;
  /** Payloads in the order asked; undefined for what is lost, which the source has noted and made a warning of. */
  readBlocks(numbers: readonly number[]): Promise<(Uint8Array | undefined)[]>;
}

export interface ChunkRef {
  /** Undefined: the bytes are here. */
  readonly source: BlockSource | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly block: number;
  readonly offset: number;
  readonly length: number;
  readonly minMs: number;
  /** Inclusive. */
  readonly maxMs: number;
  readonly samples: number;
  readonly rank: number;
  /** What of it is deleted. */
  readonly erased?: readonly Erasure[] | undefined;
}

/** Decoded entries: from the head, or a chunk. */
export interface Run {
  readonly columns: Columns;
  readonly from: number;
  readonly to: number;
  readonly rank: number;
  /** Times rise strictly. False for what waits out of order. */
  readonly rising: boolean;
}

/** A registry, or the index of a segment. */
export interface LabelOwner {
  /** Canonical label bytes; they never change. */
  labelBytes(ref: number): Uint8Array;
}

/** Everything there is of one series in the range asked for. */
export interface GatheredSeries {
  /** Who numbers the series, and how: one of those that have it. */
  readonly owner: LabelOwner;
  readonly ref: number;
  readonly chunks: ChunkRef[];
  readonly runs: Run[];
}
