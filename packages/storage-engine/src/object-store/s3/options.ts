const MIB = 1024 * 1024;

/** Limits of an S3 object store. Times are of the machine's own clock. */
export interface S3Options {
  /** Longest an operation may take with all its repetitions, beside the time its bytes may take. */
  readonly deadlineMs: number;
  /** Longest a single request may take, beside the time its bytes may take. */
  readonly requestTimeoutMs: number;
  /** The slowest line that is waited for: 128 KiB/s. */
  readonly slowestBytesPerMs: number;
  /** Before the first repetition; doubled each time. Half of it is chance. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** How often an object is fetched whose bytes are not what they should be. */
  readonly damagedTriesMax: number;
  /** How long a store that was away is left alone before it is asked again; doubled each time. Half of it is chance. */
  readonly awayMs: number;
  readonly awayMaxMs: number;
  /** Requests at a time, */
  readonly requestsMax: number;
  /** bytes they may have in memory together (a single larger one goes alone), */
  readonly bytesMax: number;
  /** and how many more may wait for their turn. */
  readonly waitingMax: number;
  /** Larger objects are uploaded in parts. */
  readonly singlePutBytesMax: number;
  readonly partBytes: number;
  /** Parts of one object under way. */
  readonly partsAtOnce: number;
  /** Objects that are read whole may have as much. */
  readonly objectBytesMax: number;
  /** Uploads that nobody ended are removed when they were seen for so long. */
  readonly uploadLeaseMs: number;
}

export const DEFAULT_S3_OPTIONS: S3Options = {
  deadlineMs: 30_000,
  requestTimeoutMs: 10_000,
  slowestBytesPerMs: 131,
  backoffMs: 100,
  backoffMaxMs: 5000,
  damagedTriesMax: 4,
  awayMs: 1000,
  awayMaxMs: 30_000,
  requestsMax: 16,
  bytesMax: 64 * MIB,
  waitingMax: 10_000,
  singlePutBytesMax: 16 * MIB,
  // S3 takes 10,000 parts of at least 5 MiB.
  partBytes: 8 * MIB,
  partsAtOnce: 3,
  objectBytesMax: 1024 * MIB,
  uploadLeaseMs: 30 * 60_000,
};
