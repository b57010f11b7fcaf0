import { TIME_POLICY } from '@tidemark/model';

/** When windows close, and how rows travel. */
export interface RollupOptions {
  /** A window takes points until the clock is this far past its end. Later ones are not folded here. */
  readonly graceMs: number;
  /** A window's rows go out when the clock is this far past its end. */
  readonly emitDelayMs: number;
  /** Rows changed by late points go out again at most this often per window, and at the latest when grace ends. */
  readonly reemitIntervalMs: number;
  /** On an idle partition the wall clock closes windows, this much later: records may be on their way into the log. */
  readonly idleDelayMs: number;
  /** Points further ahead of the clock are refused (and by the gateway before). */
  readonly futureMs: number;
  /** How far a batch's admission clock may be ahead of the log's own: a gateway with a wrong clock closes no windows. */
  readonly clockSlackMs: number;
  /** Batches further behind the clock than this say that it ran ahead, once all of them do for `clockSettleMs`. */
  readonly clockBehindMs: number;
  readonly clockSettleMs: number;
  /** When the rows of a window are out, state is made durable if it is so long since that was done, */
  readonly commitEveryMs: number;
  /** or so many points came in. */
  readonly commitPointsMin: number;
  readonly rowsPerBatchMax: number;
  /** Rows emitted before the task appends and looks at the log again. */
  readonly rowsPerTurnMax: number;
  /** Series per task, all tenants together. */
  readonly seriesMax: number;
}

export const DEFAULT_ROLLUP_OPTIONS: RollupOptions = {
  graceMs: TIME_POLICY.graceMs,
  emitDelayMs: 5_000,
  reemitIntervalMs: 5_000,
  idleDelayMs: 2_000,
  futureMs: TIME_POLICY.futureMs,
  clockSlackMs: 60_000,
  // Twice what a gateway may be ahead of the log.
  clockBehindMs: 120_000,
  clockSettleMs: 30_000,
  // What is replayed after a crash: a second or two. A commit writes a file a window and the hour's rows, whole: each minute that
  // would be most of what few series cost here.
  commitEveryMs: 5 * 60_000,
  commitPointsMin: 1_000_000,
  // 4,096: eight blocks of series, so that a batch names the same series every minute and its section is encoded once.
  rowsPerBatchMax: 4_096,
  // 16,384 rows are some 30 ms of folding and encoding: how long other work in the process may have to wait.
  rowsPerTurnMax: 16_384,
  seriesMax: 5_000_000,
};
