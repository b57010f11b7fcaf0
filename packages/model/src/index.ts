export { BatchBuilder } from './batch/batch-builder.ts';
export {
  decodeRowBatch,
  decodeSampleBatch,
  EMBEDDED_SCHEMA_IDS,
  encodeRowBatch,
  encodeSampleBatch,
  ROW_BATCH_SCHEMA,
  SAMPLE_BATCH_SCHEMA,
} from './batch/codec.ts';
export {
  EXEMPLAR_CHARACTERS_MAX,
  ExemplarBuilder,
  exemplarCharacters,
  exemplarLabelBytes,
  fitsExemplar,
} from './batch/exemplar-builder.ts';
export { HistogramBuilder, histogramBytes } from './batch/histogram-builder.ts';
export { KeptSection } from './batch/kept-section.ts';
export {
  makeRowColumns,
  RESOLUTION_MS,
  type Resolution,
  ROW_FLOAT_COLUMNS,
  type RowBatch,
  type RowColumns,
  type RowFloatColumn,
  revisionAfter,
} from './batch/row-batch.ts';
export type { ExemplarColumns, HistogramColumns, MetricMetadata, SampleBatch } from './batch/sample-batch.ts';
export {
  labelStart,
  METRIC_TYPES,
  type MetricType,
  type SeriesSection,
  sectionLabels,
} from './batch/series-section.ts';
export type { Cardinality, CardinalityRequest, NamedCount } from './cardinality.ts';
export { formatDuration, parseDuration } from './duration.ts';
export type { Exemplar, ExemplarRequest, ExemplarSource, SelectedExemplars } from './exemplar-source.ts';
export { parseDecimal } from './exposition/decimal.ts';
export { ExemplarText } from './exposition/exemplar-text.ts';
export { checkOpenMetrics } from './exposition/openmetrics-check.ts';
export { openMetricsFloat } from './exposition/openmetrics-float.ts';
export {
  type ExpositionOptions,
  ExpositionReader,
  type ParsedExposition,
  type ParseExpositionOptions,
  parseExposition,
} from './exposition/text.ts';
export type { Freshness } from './freshness.ts';
export { type HistogramProblem, histogramProblem } from './histogram/check.ts';
export {
  bucketsOf,
  decodeHistogram,
  encodeHistogram,
  HISTOGRAM_BUCKETS_MAX,
  HISTOGRAM_SUM_AT,
  type HistogramShape,
  readHistogramShape,
  writeHistogram,
  writeHistogramShape,
} from './histogram/codec.ts';
export {
  type BucketSide,
  type BucketSpan,
  type NativeHistogram,
  type ResetHint,
  SCHEMA_LEAST,
  SCHEMA_MOST,
  SCHEMA_OWN_BOUNDS,
  type SelectedHistograms,
} from './histogram/native-histogram.ts';
export { HistogramEntries } from './histogram/selected-histograms.ts';
export {
  compareUtf8,
  decodeLabels,
  decodeUtf8,
  encodeLabels,
  findLabelValue,
  formatLabels,
  type Label,
  type Labels,
  labelsOf,
  labelValue,
  METRIC_NAME,
  metricBytesOf,
  metricNameOf,
  writeLabels,
} from './labels.ts';
export { compileRegex, formatMatcher, type Matcher, type MatchType, matcher } from './matcher.ts';
export type { MetadataRequest, MetadataSource, MetricDescriptions } from './metadata-source.ts';
export type { InstantAnswer, InstantQuery, QueryPort } from './query-port.ts';
export {
  cardinalityFrame,
  decodePart,
  endFrame,
  errorFrame,
  exemplarsFrames,
  headFrame,
  metadataFrames,
  type ReadEnd,
  type ReadHead,
  type ReadPart,
  rowsFrames,
  type StorePosition,
  samplesFrames,
  seriesFrames,
  textsFrames,
} from './read-wire/answer.ts';
export { type Frame, FrameReader, malformedAnswer } from './read-wire/frame.ts';
export { decodeReadRequest, encodeReadRequest, type WireRequest } from './read-wire/request.ts';
export {
  READ_CONTENT_TYPE,
  READ_KINDS,
  type ReadKind,
  readStoreState,
  STORE_PREFIX,
  type StoreState,
  storeStateJson,
} from './read-wire/routes.ts';
export { rowsBetween } from './read-wire/rows-part.ts';
export { relabel } from './relabel/apply.ts';
export {
  RELABEL_ACTIONS,
  type RelabelAction,
  type RelabelRule,
  type RelabelSpec,
  relabelRule,
} from './relabel/rule.ts';
export {
  KEPT_TIERS,
  type KeptBetween,
  type KeptMs,
  type KeptTier,
  Retention,
  type RetentionRule,
} from './retention.ts';
export {
  CRITICAL_OFFSETS,
  copyRow,
  emptyRow,
  foldRow,
  foldRowInto,
  GENERATIONS,
  mergeRowInto,
  mergeRows,
  offsetInSource,
  type RollupRow,
  revisionOffset,
} from './rollup-row.ts';
export {
  type ClassicHistogram,
  SAMPLE_BYTES_MAX,
  SampleDecoder,
  type SampleExemplar,
  schemaIdOf,
} from './sample-record/decode-sample.ts';
export { planOf, type SamplePlan } from './sample-record/sample-plan.ts';
export { encodeSampleRecord, SAMPLE_SCHEMA, type SampleFields } from './sample-record/sample-record.ts';
export type { AppendOutcome, Refusal, SampleSink } from './sample-sink.ts';
export type { Compatibility, SchemaSource } from './schema-source.ts';
export { SERIES_ID_LENGTH, seriesId } from './series-identity.ts';
export type {
  LabelsRequest,
  ReadPosition,
  ReadTerms,
  SelectAnswer,
  SelectedRows,
  SelectedSeries,
  SelectLimits,
  SelectRequest,
  SelectRowsRequest,
  SeriesSource,
} from './series-source.ts';
export { isStale, isStaleAt, STALE_HIGH, STALE_LOW, wordsOf, writeStale } from './stale.ts';
export { checkTenant, DEFAULT_TENANT, TENANT_HEADER, tenantOfHeader } from './tenant.ts';
export { type TextPattern, textPattern } from './text-pattern.ts';
export { leftOpen, overlaps, TIME_POLICY, type TimeRange } from './time.ts';
export {
  isCriticalTopic,
  partitionOf,
  RAW_ROLES,
  type RawRole,
  TOPIC_INTENTS,
  type TopicIntent,
  type TopicRole,
  tenantHash,
  topicName,
} from './topics.ts';
