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
export { makeS3Metrics, type S3Metrics } from './object-store/s3/metrics.ts';
export { openS3ObjectStore, type S3Location, type S3ObjectStoreInit } from './object-store/s3/open.ts';
export { DEFAULT_S3_OPTIONS, type S3Options } from './object-store/s3/options.ts';
export { COMPACTED_MS, DEFAULT_OPTIONS, type KillPoint, type StorageOptions, WINDOW_MS } from './options.ts';
export type { ShardStats, StorageStats, TierStats } from './stats.ts';
export type { CompactReport } from './tiering/compactor.ts';
export { type Verdict, type Verified, type VerifyStore, verifyStore } from './verify/verify.ts';
