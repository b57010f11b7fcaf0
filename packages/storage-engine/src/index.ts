export {
  type CompactRequest,
  openStorageEngine,
  type SealReport,
  type StorageEngine,
  type StorageEngineInit,
} from './database.ts';
export type { Tombstone } from './deletes/tombstone.ts';
export { StorageError } from './errors.ts';
export type { Tier } from './head/resolve.ts';
export {
  type Fact,
  inspectCheckpoint,
  inspectFile,
  inspectManifest,
  inspectSegment,
  inspectSeriesFile,
  inspectWindow,
  isInspectable,
} from './inspect.ts';
export type { EnginePosition, RowRecord, SampleRecord, TopicPartitionName } from './intake.ts';
export { openFileObjectStore } from './object-store/file.ts';
export type { ObjectInfo, ObjectStore } from './object-store/object-store.ts';
export { COMPACTED_MS, DEFAULT_OPTIONS, type KillPoint, type StorageOptions, WINDOW_MS } from './options.ts';
export type { ShardStats, StorageStats, TierStats } from './stats.ts';
export type { CompactReport } from './tiering/compactor.ts';
export { type Verdict, type Verified, type VerifyStore, verifyStore } from './verify/verify.ts';
