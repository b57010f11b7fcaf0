import type { Tier } from './head/resolve.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MIB = 1024 * 1024;

/** How long a window is, by tier. Part of names and checkpoints on disk: not an option. */
export const WINDOW_MS: Readonly<Record<Tier, number>> = { raw: 2 * HOUR_MS, '1m': DAY_MS, '1h': 7 * DAY_MS };

/** Entries of a slot: few rows, for a row is thirteen numbers. Part of checkpoints on disk. */
export const SLOT_SIZE: Readonly<Record<Tier, number>> = { raw: 16, '1m': 4, '1h': 4 };

/** Places where a test may stop the process; each is between two durable steps. */
export type KillPoint =
  | 'checkpoint:series'
  | 'checkpoint:windows'
  | 'checkpoint:written'
  | 'seal:frozen'
  | 'seal:put'
  | 'seal:manifest'
  | 'seal:removed';

export interface StorageOptions {
  /** A window is over when the clock is this far past its end. 10 min: raw closes after the rollup's grace. */
  readonly sealGraceMs: number;
  /** What came too late for a segment waits this long for company before it becomes a supplement. */
  readonly supplementAfterMs: number;
  /** Sealed data older than this is removed, by tier. */
  readonly retentionMs: Readonly<Record<Tier, number>>;
  /** Series of one shard; above it samples of new series are dropped and counted. */
  readonly seriesPerShardMax: number;
  /** Finished chunks of one shard that wait for a checkpoint; above it apply refuses. */
  readonly pendingBytesMax: number;
  /** Out-of-order samples of one shard that wait for a checkpoint; above it apply refuses. */
  readonly outOfOrderMax: number;
  /** Least time between checkpoints that `checkpointDue` asks for. */
  readonly checkpointEveryMs: number;
  /** Most time, however large the head is. */
  readonly checkpointAtLeastEveryMs: number;
  /** LevelDB databases open at once. */
  readonly openWindowsMax: number;
  /** Blocks of local windows in memory. */
  readonly blockCacheBytes: number;
  /** Ranges of segments in memory. */
  readonly segmentCacheBytes: number;
  /** Parsed indexes of segments in memory. */
  readonly segmentIndexBytes: number;
  /** A seal is cut into objects of about this size: they are built in memory. */
  readonly segmentBytesMax: number;
  /** Called at kill points; tests only. */
  readonly at: (point: KillPoint) => void | Promise<void>;
}

export const DEFAULT_OPTIONS: StorageOptions = {
  sealGraceMs: 10 * 60_000,
  supplementAfterMs: HOUR_MS,
  retentionMs: { raw: 7 * DAY_MS, '1m': 30 * DAY_MS, '1h': 365 * DAY_MS },
  seriesPerShardMax: 4_000_000,
  pendingBytesMax: 512 * MIB,
  outOfOrderMax: 1_000_000,
  checkpointEveryMs: 10_000,
  checkpointAtLeastEveryMs: 60_000,
  openWindowsMax: 48,
  blockCacheBytes: 64 * MIB,
  segmentCacheBytes: 128 * MIB,
  segmentIndexBytes: 256 * MIB,
  segmentBytesMax: 256 * MIB,
  at: () => undefined,
};
