export type { EmbeddedLog } from './embedded/embedded-log.ts';
export {
  type InspectedFrame,
  type InspectedRun,
  inspectJournal,
  type ReadTopicOptions,
  readTopicReadOnly,
  type TopicRecord,
} from './embedded/inspect.ts';
export { type EmbeddedLogParts, openEmbeddedLog } from './embedded/open.ts';
export { DEFAULT_OPTIONS as EMBEDDED_LOG_DEFAULTS, type EmbeddedLogOptions } from './embedded/options.ts';
export {
  type DamagedStore,
  examineJournal,
  type JournalReport,
  type PartitionLoss,
  type RepairParts,
  repairJournal,
} from './embedded/repair.ts';
export { type LogEnds, type VerifiedLogFile, verifyLog } from './embedded/verify.ts';
export type { KafkaRights } from './kafka/allowed.ts';
export { type KafkaLog, type KafkaLogParts, openKafkaLog } from './kafka/kafka-log.ts';
export { type KafkaMetrics, kafkaMetrics } from './kafka/metrics.ts';
export { KAFKA_LOG_DEFAULTS, type KafkaLogOptions } from './kafka/options.ts';
export type { Operation as KafkaOperation } from './kafka/rights.ts';
export type * from './log.ts';
export { readCompacted } from './read-compacted.ts';
