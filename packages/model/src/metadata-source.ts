import type { MetricMetadata } from './batch/sample-batch.ts';
import type { ReadTerms } from './series-source.ts';

// What metrics mean: type, unit, help. Storage keeps what sources said of late; the API and federation ask.

export interface MetadataRequest extends ReadTerms {
  readonly tenant: string;
  /** Only of these metrics (families). */
  readonly metrics?: readonly string[];
}

export interface MetricDescriptions {
  readonly metric: string;
  /** At least one; several when sources disagree, the latest first. */
  readonly entries: readonly MetricMetadata[];
}

/** Metrics in no particular order; may be made as they are walked, and are good until the next await. */
export type MetadataSource = (request: MetadataRequest, signal?: AbortSignal) => Promise<Iterable<MetricDescriptions>>;
