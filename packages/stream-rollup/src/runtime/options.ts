/** Limits and rhythms of a streams application. */
export interface StreamsOptions {
  /** Bytes of records taken from the log at once, per task. */
  readonly fetchBytesMax: number;
  /** Bytes sinks may collect before they are appended in the middle of a fetch. */
  readonly outboxBytesMax: number;
  /** At least this often, when anything changed, state and position are made durable. */
  readonly commitIntervalMs: number;
  /** Longest wait for records, and so the finest wall-clock punctuation on an idle partition never waits longer. */
  readonly idleWaitMs: number;
  /** After little came, the task waits this long, so that what comes meanwhile is one turn's work. 0: not at all. */
  readonly lingerMs: number;
  /** First and longest pause before a task that failed begins again; it doubles in between. */
  readonly restartDelayMs: number;
  readonly restartDelayMaxMs: number;
}

export const DEFAULT_STREAMS_OPTIONS: StreamsOptions = {
  // 1 MB: some hundred thousand samples, 10 ms of work between two looks at the clock.
  fetchBytesMax: 1024 * 1024,
  // 4 MB: one group commit of the log.
  outboxBytesMax: 4 * 1024 * 1024,
  // 60 s: a replay of a minute takes about a second.
  commitIntervalMs: 60_000,
  // 5 s: an append ends the wait, and so does a punctuation.
  idleWaitMs: 5_000,
  lingerMs: 0,
  restartDelayMs: 500,
  restartDelayMaxMs: 30_000,
};
