export { openStorageEngine } from './database.ts';
export type { Tombstone } from './deletes/tombstone.ts';
export type { CompactRequest, SealReport, StorageEngine, StorageEngineInit } from './engine.ts';
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
export { type JournaledEngine, type JournaledEngineInit, openJournaledEngine } from './journal/journaled-engine.ts';
export type { JournalLoss } from './journal/losses.ts';
export { DEFAULT_JOURNAL_OPTIONS, type JournalOptions } from './journal/options.ts';
export type { DeleteRequest } from './journal/record.ts';
export { openFileObjectStore } from './object-store/file.ts';
export type { ObjectInfo, ObjectStore } from './object-store/object-store.ts';
export { makeS3Metrics, type S3Metrics } from './object-store/s3/metrics.ts';
export { openS3ObjectStore, type S3Location, type S3ObjectStoreInit } from './object-store/s3/open.ts';
export { DEFAULT_S3_OPTIONS, type S3Options } from './object-store/s3/options.ts';
export { COMPACTED_MS, DEFAULT_OPTIONS, type KillPoint, type StorageOptions, WINDOW_MS } from './options.ts';
export type { ShardStats, StorageStats, TierStats } from './stats.ts';
export type { CompactReport } from './tiering/compactor.ts';
export type { HeldObjects, HeldSegment } from './tiering/held.ts';
export type { MetricUsage, Taken, Usage, UsageRequest } from './usage.ts';
export { type Verdict, type Verified, type VerifyStore, verifyStore } from './verify/verify.ts';
