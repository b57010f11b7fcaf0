const MIB = 1024 * 1024;

export interface JournalOptions {
  /** A file of about this size is followed by the next one. Files go whole. */
  readonly fileBytesMax: number;
  /** What waits for the disk goes together with one sync, up to so many bytes. */
  readonly groupBytesMax: number;
  /** Records that wait for the disk; above it `append` refuses. */
  readonly waitingBytesMax: number;
  /** One record, encoded. */
  readonly recordBytesMax: number;
  /** All files but the current one; above it `append` refuses until two checkpoints let them go. `checkpointDue` says yes from a quarter on. */
  readonly bytesMax: number;
  /** After so much silence a mark says that all before it was on disk: until then damage of the last group looks like a torn write. */
  readonly markAfterMs: number;
}

export const DEFAULT_JOURNAL_OPTIONS: JournalOptions = {
  fileBytesMax: 64 * MIB,
  groupBytesMax: 8 * MIB,
  waitingBytesMax: 64 * MIB,
  recordBytesMax: 32 * MIB,
  // Two checkpoints are kept, so half of it is what one of them may cover.
  bytesMax: 4096 * MIB,
  markAfterMs: 5000,
};
