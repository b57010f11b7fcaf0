export type { Aggregator, Initializer, Reducer } from './dsl/aggregate.ts';
export type { Branching } from './dsl/branch.ts';
export { type Consumed, StreamsBuilder } from './dsl/builder.ts';
export { EVENT_TIME_HEADER, type Materialized, type Named, type TimestampExtractor } from './dsl/graph.ts';
export type { GroupedStream } from './dsl/grouped-stream.ts';
export type { GroupedTable } from './dsl/grouped-table.ts';
export type { KeyValue, Predicate } from './dsl/operators.ts';
export { type Serde, type SerdePair, Serdes } from './dsl/serde.ts';
export type { Grouped, KStream, Produced } from './dsl/stream.ts';
export type { KTable, SuppressOptions } from './dsl/table.ts';
export type { ProcessorContext, PunctuationType, Punctuator } from './processor/context.ts';
export type { Processor } from './processor/processor.ts';
export { NO_HEADERS, type RecordMetadata, type SourceFacts, type StreamRecord } from './processor/record.ts';
export {
  DEFAULT_REPARTITION_OPTIONS,
  DEFAULT_SCHEMA_PATIENCE,
  type RepartitionOptions,
  type SchemaPatience,
} from './repartition/options.ts';
export { SamplesFreshness } from './repartition/samples-freshness.ts';
export {
  REPARTITION_GROUP,
  type Repartition,
  type StartRepartition,
  startRepartition,
} from './repartition/start-repartition.ts';
export type { SampleTopic } from './repartition/tenants.ts';
export { DROP_REASONS, type RollupMetrics, rollupMetrics } from './rollups/metrics.ts';
export { DEFAULT_ROLLUP_OPTIONS, type RollupOptions } from './rollups/options.ts';
export { createRollupTopology, type RollupTopology } from './rollups/rollup-topology.ts';
export { type StartRollup, startRollup } from './rollups/start-rollup.ts';
export { always, type ErrorDecision, type ErrorPolicy, type RecordProblem } from './runtime/error-policy.ts';
export { type StreamsMetrics, streamsMetrics } from './runtime/metrics.ts';
export { DEFAULT_STREAMS_OPTIONS, type StreamsOptions } from './runtime/options.ts';
export { type StartStreams, type Streams, type StreamsState, startStreams } from './runtime/streams.ts';
export type { KeyValueStore } from './state/key-value.ts';
export { type LevelOptions, levelKeyValueStore } from './state/level-key-value.ts';
export { memoryKeyValueStore } from './state/memory-key-value.ts';
export type { CheckpointPosition, StateFolder, StateStore, StoreBuilder } from './state/store.ts';
export { TableStore, type ValueAndTime } from './state/table-store.ts';
export { type VerifiedStateFile, verifyState } from './state/verify-state.ts';
export type {
  Deserializer,
  Partitioner,
  PartitionFacts,
  ProcessorSupplier,
  Serializer,
  SinkOptions,
  SourceOptions,
  TopicRef,
} from './topology/node.ts';
export { Topology } from './topology/topology.ts';
export type { Merger } from './windows/session-aggregate.ts';
export { type Session, SessionStore } from './windows/session-store.ts';
export type { SessionWindowedStream } from './windows/session-windowed-stream.ts';
export { SessionWindows } from './windows/session-windows.ts';
export { type TimeWindow, TimeWindows, type Windowed } from './windows/time-windows.ts';
export { WindowStore } from './windows/window-store.ts';
export { sessionWindowedSerde, windowedSerde } from './windows/windowed-serde.ts';
export type { TimeWindowedStream } from './windows/windowed-stream.ts';
