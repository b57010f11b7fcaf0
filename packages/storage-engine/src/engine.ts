import type { Clock, Disk, Logger, SelfMetrics } from '@tidemark/base';
import type {
  Cardinality,
  CardinalityRequest,
  ExemplarRequest,
  KeptMs,
  MetadataRequest,
  MetricDescriptions,
  RetentionRule,
  SelectAnswer,
  SelectedExemplars,
  SeriesSource,
  TimeRange,
} from '@tidemark/model';
import type { Tombstone } from './deletes/tombstone.ts';
import type { Tier } from './head/resolve.ts';
import type { EnginePosition, RowRecord, SampleRecord, TopicPartitionName } from './intake.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import type { StorageOptions } from './options.ts';
import type { LevelStores } from './partition/level-store.ts';
import type { StorageStats } from './stats.ts';
import type { CompactReport } from './tiering/compactor.ts';
import type { HeldObjects } from './tiering/held.ts';
import type { Usage, UsageRequest } from './usage.ts';

// What an engine is to whoever embeds it: how it is opened, what it takes, answers and tells. database.ts is one.

export interface StorageEngineInit {
  /** For checkpoints and series files. */
  readonly disk: Disk;
  /** Native folder for LevelDB windows: usually `disk.nativePath('')`. Or `levelStores`, in a simulated world. */
  readonly folder?: string;
  readonly levelStores?: LevelStores;
  readonly objectStore: ObjectStore;
  readonly clock: Clock;
  readonly installationKey: Uint8Array;
  readonly logger?: Logger;
  readonly metrics?: SelfMetrics;
  readonly options?: Partial<StorageOptions>;
}

export interface SealReport {
  readonly windows: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly tier: Tier;
    readonly startMs: number;
    readonly endMs: number;
    /** 0; above it, a supplement. */
    readonly sequence: number;
    readonly objects: readonly string[];
    readonly series: number;
    readonly samples: number;
    readonly bytes: number;
  }[];
  /** Segments that retention removed. */
  readonly expired: number;
  /** What could not be sealed now, and why: tried again by the next seal. */
  readonly failures: readonly string[];
}

export interface CompactRequest {
  readonly signal?: AbortSignal;
  /** Carry out every delete now. */
  readonly cleanAll?: boolean;
}

export interface StorageEngine {
  /** The offset from which the log must be read: a record applies iff its offset is at or above it. 0 for an unknown one. */
  position(tp: TopicPartitionName): number;
  positions(): readonly EnginePosition[];
  /** Above every offset that anything was applied with, here or by whoever sealed it: there a log that lost its end may go on. */
  unused(tp: TopicPartitionName): number;
  /**
   * Applies a record; false when it is below the position (redelivery). Synchronous; visible to reads at once; durable with the
   * next checkpoint. Throws `STORAGE_OVERLOADED` (nothing was applied: checkpoint, then apply the same record again),
   * `STORAGE_TIER_MISMATCH`, `STORAGE_MANIFEST_UNKNOWN`, `STORAGE_CLOSED`.
   */
  applySamples(record: SampleRecord): boolean;
  applyRows(record: RowRecord): boolean;
  /**
   * Applies a delete; false when it is below the position. What the partition has of it so far is answered no more, in any tier;
   * what comes after lives. Space is reclaimed by `compact`. Throws as `applySamples`.
   */
  applyDelete(tombstone: Tombstone): boolean;
  /** Times of damaged windows that may have again what they lack, if records of the partition come again from below the position. */
  lacking(tp: TopicPartitionName): readonly TimeRange[];
  /**
   * Records come from below the position on, in the order of the log: what they have of those windows is applied again. `complete`:
   * those of which every record comes; they lack nothing when the position is reached.
   */
  refill(tp: TopicPartitionName, complete: readonly TimeRange[]): void;
  /** Nothing below `nextOffset` is left to apply (control records, records of no interest). */
  advance(tp: TopicPartitionName, nextOffset: number): void;
  /** Whether it is time: often enough to bound replay, seldom enough that heads aren't written all day (checkpoint-due.ts). */
  checkpointDue(): boolean;
  /**
   * Makes everything applied before the call durable. Returns the positions that may be committed to the log, those of the checkpoints
   * before these: should one be damaged, the next start goes back to the one before it. A partition's first has none yet.
   */
  checkpoint(): Promise<readonly EnginePosition[]>;
  /** Seals windows that are over and applies retention. `supplementsToo`: late samples don't wait for company. */
  seal(request?: { readonly supplementsToo?: boolean }): Promise<SealReport>;
  /**
   * Merges sealed segments into larger ones, and removes objects that no manifest names, once their lease is over. Appends,
   * checkpoints, seals and reads go on meanwhile. Throws the reason of `signal`, and `STORAGE_CLOSED`.
   */
  compact(request?: CompactRequest): Promise<CompactReport>;
  /** Runs `work` while nothing durable changes: no checkpoint, seal or compaction. Appends go on, in memory. */
  whileStill<T>(work: () => Promise<T>): Promise<T>;
  /**
   * What is sealed now, to be copied: the segments stay until it is disposed of, whatever retention and compaction say. Requires: within
   * `whileStill`; what is held may be so for longer. Throws `OBJECT_STORE_*`, `MANIFEST_CORRUPT`.
   */
  holdObjects(): Promise<HeldObjects>;
  source(): SeriesSource;
  /**
   * Keeps what there is for another time from now on, as the options say it. Answers heed it at once; what has gone is gone. Throws
   * `MATCHER_REGEX_INVALID`, and then nothing has changed.
   */
  setRetention(retentionMs: KeptMs, rules: readonly RetentionRule[]): void;
  /** Why it is not known yet what is sealed, else undefined. Until then answers lack it, and records of unknown partitions wait. */
  readonly sealedUnknown: string | undefined;
  stats(): StorageStats;
  /** What a tenant's raw series are made of. Work by the number of series, in turns; throws the signal's reason. */
  cardinality(request: CardinalityRequest): Promise<Cardinality>;
  /** Raw series by tenant that had a sample of late (`StorageOptions.activeMs`). */
  activeSeries(): ReadonlyMap<string, number>;
  /** What a tenant's metrics take in windows and segments. Asks every segment; in turns; throws the signal's reason. */
  usage(request: UsageRequest): Promise<Usage>;
  /** What sources said of a tenant's metrics; good until the next await. */
  metadata(request: MetadataRequest): Iterable<MetricDescriptions>;
  /** The latest exemplars of a tenant, whatever partition they came by. Work in turns; throws the signal's reason. */
  exemplars(request: ExemplarRequest): Promise<SelectAnswer<SelectedExemplars>>;
  /** Checkpoints and lets go of everything. Twice is fine. */
  close(): Promise<void>;
}
