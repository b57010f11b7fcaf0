import type { SampleBatch } from './batch/sample-batch.ts';

// The write port: where decoded or collected samples go. Server makes it the ingest pipeline or a remote-write forwarder.

export interface SampleSink {
  /**
   * Resolves when everything accepted is committed to the log. One bad sample never costs its batch: what was refused is
   * counted by reason in the outcome. `admittedAtMs` of the batch is set by the sink.
   *
   * Throws `INGEST_OVERLOADED`, `INGEST_RATE_LIMITED` (nothing was accepted; try again after `retryAfterMs`),
   * `INGEST_UNAVAILABLE` (the log is away), the signal's reason.
   */
  append(batch: SampleBatch, signal?: AbortSignal): Promise<AppendOutcome>;
}

export interface AppendOutcome {
  readonly accepted: number;
  readonly refused: readonly Refusal[];
}

export interface Refusal {
  /** Stable: `too_old`, `too_far_in_future`, `label_name_invalid`, ... Also the label value of the counter. */
  readonly reason: string;
  readonly count: number;
  /** The first one, for people: names field, limit and value. */
  readonly example: string;
}
