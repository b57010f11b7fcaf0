import type { Disk } from '@tidemark/base';

// The contract of state: what a task remembers between records, and how it comes back after a crash.
//
//   restore(token)   --> use --> checkpoint() = token --> ... manifest names the token, durably ... --> settled()
//                         ^                                     |
//                         |            a crash before this point returns to the token before
//                         +-------------------------------------+
//
// The task's manifest (checkpoint.ts) is the one truth: it names, in one atomic file, the position in the log and a token
// for each store. A token stands for the store's content at that position and no other, so a store keeps what the last
// token needs until the next one is settled. Content is lost only together with its token; then the store starts empty
// and the log is replayed (runtime/stream-task.ts).

/** Where a store keeps its files: a folder of its own, `path` relative to the disk's root. */
export interface StateFolder {
  readonly disk: Disk;
  readonly path: string;
}

export interface StateStore {
  readonly name: string;
  /**
   * Once, first. Loads what `token` stands for; undefined starts empty, whatever is in the folder.
   * Throws `STATE_CORRUPT` when the content is not what the token says; the store may then be restored with undefined.
   */
  restore(folder: StateFolder, token: Uint8Array | undefined): Promise<void>;
  /**
   * Makes the content durable and returns its token. Requires: nothing changes until it resolves, and the checkpoint
   * before was settled or this is the first since `restore`.
   */
  checkpoint(position: CheckpointPosition): Promise<Uint8Array>;
  /** The token returned last is named by a durable manifest: what only older ones need may go. */
  settled(): Promise<void>;
  /**
   * The offset from which replaying the source rebuilds the content when all files are lost. Undefined when no record
   * before the position matters, or when the store does not know; the log keeps records from there on.
   */
  replayFrom?(): number | undefined;
  /** Frees what is held; keeps files. Twice is fine. */
  close(): Promise<void>;
}

/** What a checkpoint covers; stores that keep it do so for people who inspect files. */
export interface CheckpointPosition {
  /** Rises with every checkpoint of a task, across restarts. */
  readonly sequence: number;
}

export interface StoreBuilder {
  /** Unique in its topology. */
  readonly name: string;
  /** One store per task. */
  build(): StateStore;
}
