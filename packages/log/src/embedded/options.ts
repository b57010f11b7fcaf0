// What can be set on the embedded log, what it is unless set, and why.

const MIB = 1024 * 1024;

export interface EmbeddedLogOptions {
  /** Folder of the journal on the disk. */
  readonly folder: string;
  /** A journal file is closed at this size. 64 MiB: replayed in a tenth of a second; what retention frees at a time. */
  readonly fileBytesMax: number;
  /** One record: key, value, headers. A batch of 100k samples is about 1 MB. */
  readonly recordBytesMax: number;
  /** Bytes of appends that wait for the disk; beyond it LOG_OVERLOADED. 64 MiB: a third of a second of a decent disk. */
  readonly inFlightBytesMax: number;
  /** Appends written and synced together. 8 MiB: about 40 ms of a decent disk, which the next ones wait. */
  readonly batchBytesMax: number;
  /**
   * Recent records kept in memory, so that readers at the end never touch the disk. 8 MiB: half a million samples, five seconds
   * at 100,000/s. Decoded columns are bounded by themselves (`Remembered` in @tidemark/model).
   */
  readonly tailBytesMax: number;
  /** Records read back from disk that are kept, for the other partitions of their frames. */
  readonly readCacheBytesMax: number;
  /** Read from disk at a time. 1 MiB: 5 ms of a decent disk; larger gains nothing. */
  readonly readAheadBytes: number;
  /** Files that are not written any more and are open for reading; each takes a file descriptor. 4: two readers far apart, twice. */
  readonly openFilesMax: number;
  /** Silence after which the last commit is sealed with a mark. */
  readonly markAfterMs: number;
  /** A commit of positions is written with the next append, or after this. */
  readonly positionsAfterMs: number;
  /** How often what everyone has read is let go, besides each time a file is closed. */
  readonly retainEveryMs: number;
  /** Files older than this go, read or not: a consumer that never comes back is cut off. */
  readonly retainMaxMs: number;
  /** When all files together exceed this, the oldest go, read or not. */
  readonly retainBytesMax: number;
  /** Topics that no group reads hold files back only up to so many bytes. */
  readonly unreadBytesMax: number;
  /** Groups the log remembers; beyond it LOG_TOO_MANY_GROUPS. */
  readonly groupsMax: number;
  /** Members of a group; beyond it LOG_TOO_MANY_MEMBERS. */
  readonly groupMembersMax: number;
  /** How long a member may take to give up its partitions; then the group goes on without it (LOG_FENCED). */
  readonly rebalanceMaxMs: number;
  /** Producers open at a time; beyond it LOG_TOO_MANY_PRODUCERS. */
  readonly producersMax: number;
  /** Of one transaction; beyond it LOG_TRANSACTION_TOO_LARGE. 16 MiB: some seconds of a busy task, two writes of the journal. */
  readonly transactionBytesMax: number;
  /** Of all open transactions, which wait in memory; beyond it LOG_OVERLOADED. */
  readonly openTransactionBytesMax: number;
  /** A transaction left open for longer is aborted and its producer fenced (LOG_FENCED). */
  readonly transactionMaxMs: number;
  /** A tombstone in a compacted topic's store goes at this age, even if a group or reader has not passed it. */
  readonly tombstoneMaxMs: number;
  /** Bytes of a torn write that are kept beside the journal; the rest is only counted. */
  readonly tornBytesMax: number;
}

export const DEFAULT_OPTIONS: EmbeddedLogOptions = {
  folder: 'log',
  fileBytesMax: 64 * MIB,
  recordBytesMax: 8 * MIB,
  inFlightBytesMax: 64 * MIB,
  batchBytesMax: 8 * MIB,
  tailBytesMax: 8 * MIB,
  readCacheBytesMax: 16 * MIB,
  readAheadBytes: MIB,
  openFilesMax: 4,
  // 5 s: a mark is a write and a sync of its own, and a fleet is not silent for so long.
  markAfterMs: 5000,
  // 1 s: what the log's contract promises of positions after a crash (conformance/durability.ts).
  positionsAfterMs: 1000,
  retainEveryMs: 10_000,
  retainMaxMs: 48 * 3_600_000,
  retainBytesMax: 16 * 1024 * MIB,
  unreadBytesMax: 256 * MIB,
  groupsMax: 1000,
  groupMembersMax: 200,
  rebalanceMaxMs: 60_000,
  producersMax: 1000,
  transactionBytesMax: 16 * MIB,
  openTransactionBytesMax: 64 * MIB,
  transactionMaxMs: 60_000,
  tombstoneMaxMs: 24 * 3_600_000,
  tornBytesMax: MIB,
};
