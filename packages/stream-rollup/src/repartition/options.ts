/** Limits and rhythms of the repartition stage. */
export interface RepartitionOptions {
  /** Bytes of records taken from the log at once. */
  readonly fetchBytesMax: number;
  readonly fetchWaitMs: number;
  /** Samples and bytes of labels collected before they are handed on in the middle of a fetch. */
  readonly batchSamplesMax: number;
  readonly batchLabelBytesMax: number;
  /** Buckets of one histogram: each becomes a series. */
  readonly bucketsMax: number;
  readonly unitBytesMax: number;
  /** Between two looks whether a partition that is held may go on. */
  readonly heldLookMs: number;
  /** Pause before what the sink refused for now is offered again, where it does not say; doubled up to the longest. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  /** How many bytes of a record that is too large for the dead-letter topic are kept there. */
  readonly cutLetterBytes: number;
}

export const DEFAULT_REPARTITION_OPTIONS: RepartitionOptions = {
  // 1 MiB: about ten thousand samples, 20 ms of work.
  fetchBytesMax: 1024 * 1024,
  // An append ends the wait.
  fetchWaitMs: 5000,
  // One request of a large Prometheus; its records on raw fill in a few of these.
  batchSamplesMax: 50_000,
  batchLabelBytesMax: 8 * 1024 * 1024,
  // 250: Prometheus' own histograms have up to 100.
  bucketsMax: 250,
  unitBytesMax: 256,
  heldLookMs: 50,
  retryMs: 250,
  retryMaxMs: 10_000,
  // 64 KiB: fits into any broker's limit.
  cutLetterBytes: 64 * 1024,
};

/** How long is waited for schemas. */
export interface SchemaPatience {
  /** One question to the registry takes at most this long. */
  readonly timeoutMs: number;
  /** After a failure: the first pause and the longest; doubled in between. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  /** A partition waits this long for a schema that cannot be asked for; then its records go to the dead letters. */
  readonly patienceMs: number;
  /** What the registry said it does not have, or gave and was no schema, is asked for again after this long. */
  readonly refusalMs: number;
  /** Schemas kept; the one known longest goes first. */
  readonly schemasMax: number;
}

export const DEFAULT_SCHEMA_PATIENCE: SchemaPatience = {
  timeoutMs: 5_000,
  retryMs: 250,
  retryMaxMs: 15_000,
  // 15 min: a registry's restart or move; samples are on the log meanwhile.
  patienceMs: 15 * 60_000,
  refusalMs: 10_000,
  // 1,000: a schema for every program of a large house, at about 20 KB.
  schemasMax: 1000,
};
