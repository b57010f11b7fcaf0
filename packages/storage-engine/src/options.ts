import type { RetentionRule } from '@tidemark/model';
import type { ShardName } from './filename.ts';
import type { Tier } from './head/resolve.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MIB = 1024 * 1024;

/** How long a window is, by tier. Part of names and checkpoints on disk: not an option. */
export const WINDOW_MS: Readonly<Record<Tier, number>> = { raw: 2 * HOUR_MS, '1m': DAY_MS, '1h': 7 * DAY_MS };

/**
 * How much time compacted segments cover, by tier and level; each is whole times the one before. The last is what history is
 * kept in; the first keeps the number of segments down until that much time has passed.
 */
export const COMPACTED_MS: Readonly<Record<Tier, readonly number[]>> = {
  raw: [DAY_MS],
  '1m': [5 * DAY_MS, 30 * DAY_MS],
  '1h': [13 * 7 * DAY_MS, 52 * 7 * DAY_MS],
};

/**
 * Entries of a slot: a row is thirteen numbers, so few of them, and of hours one: a series gets 256, 224 and 112 bytes. Part of
 * checkpoints on disk; a head that was kept with others is put into these when its shard opens.
 */
export const SLOT_SIZE: Readonly<Record<Tier, number>> = { raw: 16, '1m': 2, '1h': 1 };

/**
 * Entries that wait in a series' stream before they become one chunk with a slot's more, and after how many the stream is encoded
 * anew as one (before that at 4, 8, ...): 2 rows in brief take 35 bytes a row, a chunk of 16 12, of 64 8, and each chunk of a
 * window 34 bytes of memory.
 */
export const STREAM_ENTRIES: Readonly<Record<Tier, { readonly max: number; readonly fold: number }>> = {
  raw: { max: 112, fold: Number.POSITIVE_INFINITY },
  '1m': { max: 62, fold: 16 },
  '1h': { max: 23, fold: 8 },
};

/** Places where a test may stop the process; each is between two durable steps. */
export type KillPoint =
  | 'checkpoint:series'
  | 'checkpoint:windows'
  | 'checkpoint:written'
  | 'seal:frozen'
  | 'seal:put'
  | 'seal:manifest'
  | 'seal:removed'
  | 'compact:put'
  | 'compact:manifest'
  | 'reap:removed';

export interface StorageOptions {
  /** A window is over when the clock is this far past its end. 10 min: raw closes after the rollup's grace. */
  readonly sealGraceMs: number;
  /** What came too late for a segment waits this long for company before it becomes a supplement. */
  readonly supplementAfterMs: number;
  /** Sealed data older than this is removed, by tier, */
  readonly retentionMs: Readonly<Record<Tier, number>>;
  /** unless one of these says otherwise of its tenant and metric: the first that does. `StorageEngine.setRetention` changes both. */
  readonly retentionRules: readonly RetentionRule[];
  /** Exemplars older than this are not answered, and go. */
  readonly exemplarRetentionMs: number;
  /** Memory of one tenant's exemplars; above it the oldest go. 0: none are kept. */
  readonly exemplarBytesPerTenant: number;
  /** Memory of all exemplars; above it the oldest of the tenant that has most go. */
  readonly exemplarBytesMax: number;
  /** How long what sources say of metrics is kept after they said it last. */
  readonly metadataRetentionMs: number;
  /** A series is active for this long after its newest sample. 10 min: twice the longest interval at which anything is usually said. */
  readonly activeMs: number;
  /** Series of one shard; above it samples of new series are dropped and counted. */
  readonly seriesPerShardMax: number;
  /** Series with nothing outside of segments are forgotten when they are this many, and a quarter of all. */
  readonly forgetSeriesMin: number;
  /** Finished chunks of one shard that wait for a checkpoint; above it apply refuses. */
  readonly pendingBytesMax: number;
  /** Out-of-order samples of one shard that wait for a checkpoint; above it apply refuses. */
  readonly outOfOrderMax: number;
  /** Native histograms of one shard that wait for a checkpoint; above it apply refuses. */
  readonly histogramBytesMax: number;
  /** Most time between checkpoints that `checkpointDue` asks for. */
  readonly checkpointEveryMs: number;
  /** Most entries (samples and rows) between them, */
  readonly checkpointEntriesMin: number;
  /** or so many a series, where that is more. */
  readonly checkpointEntriesPerSeries: number;
  /** LevelDB databases open at once. */
  readonly openWindowsMax: number;
  /**
   * A LevelDB that nobody read or wrote for this long is closed: its descriptors, its write buffer and what is mapped of its tables
   * go. 2 min: opening again takes some milliseconds.
   */
  readonly closeWindowsAfterMs: number;
  /** Blocks of local windows in memory. */
  readonly blockCacheBytes: number;
  /** Ranges of segments in memory. */
  readonly segmentCacheBytes: number;
  /** Pieces of segments on the disk, for where objects are far away; 0: none. */
  readonly segmentDiskCacheBytes: number;
  /** Parsed indexes of segments in memory. */
  readonly segmentIndexBytes: number;
  /** A seal is cut into objects of about this size: they are built in memory. */
  readonly segmentBytesMax: number;
  /** Time is compacted when it is this far past, so that its late samples come along. */
  readonly compactAfterMs: number;
  /** A compacted segment is cut into objects of about this size: they are built in memory. */
  readonly compactBytesMax: number;
  /** Segments merged at once; each takes about half a megabyte of memory meanwhile. */
  readonly compactSourcesMax: number;
  /** Deletes wait this long for others before segments are written anew for them. */
  readonly cleanAfterMs: number;
  /** Objects that no manifest names stay this long, for readers that began before and for whoever is about to name them. */
  readonly objectLeaseMs: number;
  /** How often the object store is searched for what a crash left behind. */
  readonly orphanSearchMs: number;
  /**
   * The offset of a raw partition below which every record is in rows that are safe. Retention leaves raw segments that have
   * anything above it.
   */
  readonly rolledUpThrough: (shard: ShardName) => number;
  /** Called at kill points; tests only. */
  readonly at: (point: KillPoint) => void | Promise<void>;
}

export const DEFAULT_OPTIONS: StorageOptions = {
  sealGraceMs: 10 * 60_000,
  supplementAfterMs: HOUR_MS,
  retentionMs: { raw: 7 * DAY_MS, '1m': 30 * DAY_MS, '1h': 365 * DAY_MS },
  retentionRules: [],
  exemplarRetentionMs: DAY_MS,
  // 16 MiB: about 100,000 of a trace id over 10,000 series.
  exemplarBytesPerTenant: 16 * MIB,
  exemplarBytesMax: 128 * MIB,
  metadataRetentionMs: 30 * DAY_MS,
  activeMs: 10 * 60_000,
  seriesPerShardMax: 4_000_000,
  forgetSeriesMin: 1024,
  pendingBytesMax: 512 * MIB,
  outOfOrderMax: 1_000_000,
  // 128 MiB: some 400,000 of 100 buckets.
  histogramBytesMax: 128 * MIB,
  checkpointEveryMs: 5 * 60_000,
  // Replayed in about a second.
  checkpointEntriesMin: 1_000_000,
  checkpointEntriesPerSeries: 6,
  openWindowsMax: 48,
  closeWindowsAfterMs: 2 * 60_000,
  blockCacheBytes: 64 * MIB,
  segmentCacheBytes: 64 * MIB,
  segmentDiskCacheBytes: 0,
  segmentIndexBytes: 256 * MIB,
  segmentBytesMax: 64 * MIB,
  compactAfterMs: HOUR_MS,
  compactBytesMax: 16 * MIB,
  compactSourcesMax: 64,
  cleanAfterMs: HOUR_MS,
  objectLeaseMs: 15 * 60_000,
  orphanSearchMs: HOUR_MS,
  rolledUpThrough: () => Number.POSITIVE_INFINITY,
  at: () => undefined,
};
