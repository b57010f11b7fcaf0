export { answerError } from './http/answers.ts';
export { type WriteHandler, WriteHandlers, type WriteRoute } from './http/write-handlers.ts';
export { DEFAULT_INGEST_OPTIONS, type IngestLimits, type IngestOptions } from './options.ts';
export { type IngestParts, IngestPipeline } from './pipeline.ts';
export { type ParseLinesOptions, parseLines } from './protocol/seed-line.ts';
export { CRITICAL_SPANS_MAX, type CriticalSpan } from './route/critical.ts';
