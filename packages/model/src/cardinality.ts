import type { ReadTerms } from './series-source.ts';

// What a tenant's series are made of, as Prometheus' /api/v1/status/tsdb shows it: storage counts, the API asks.

export interface CardinalityRequest extends ReadTerms {
  readonly tenant: string;
  /** Entries of each list. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

/** Of the raw series in memory: those that came since, or were still there when, the storage was opened. */
export interface Cardinality {
  readonly series: number;
  /** Distinct name and value pairs. */
  readonly labelPairs: number;
  /** Runs in memory and chunks in local windows: what is not sealed yet. */
  readonly chunks: number;
  /** Oldest and newest sample that is not sealed yet; undefined when there is none. */
  readonly range: { readonly oldestMs: number; readonly newestMs: number } | undefined;
  // Greatest first, equal ones by name.
  readonly seriesByMetric: readonly NamedCount[];
  readonly valuesByLabel: readonly NamedCount[];
  /** Bytes of a label's values, each as often as series have it. */
  readonly bytesByLabel: readonly NamedCount[];
  /** `name=value`. */
  readonly seriesByPair: readonly NamedCount[];
}
