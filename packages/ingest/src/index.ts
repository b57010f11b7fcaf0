export { DEFAULT_INGEST_OPTIONS, type IngestOptions } from './options.ts';
export { type IngestParts, IngestPipeline } from './pipeline.ts';
