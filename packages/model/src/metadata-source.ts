import type { MetricMetadata } from './batch/sample-batch.ts';

// What metrics mean: type, unit, help. Storage keeps what sources said of late; the API and federation ask.

export interface MetadataRequest {
  readonly tenant: string;
  /** Only of this metric (family). */
  readonly metric?: string;
}

export interface MetricDescriptions {
  readonly metric: string;
  /** At least one; several when sources disagree, the latest first. */
  readonly entries: readonly MetricMetadata[];
}

/** Metrics in no particular order; made as it is walked, and good until the next await. */
export type MetadataSource = (request: MetadataRequest) => Iterable<MetricDescriptions>;
