// What a window needs of LevelDB, and nothing more. Real: native-level-store.ts (classic-level). Simulated:
// memory-level-store.ts (memory-level, which forgets what was not synced when told to).
//
// classic-level does its own I/O in native code and hides corruption: a flipped bit in its log loses synced writes silently,
// one in a table gives wrong values silently. So nothing above this port trusts a value without its checksum (keys.ts), or an
// absence without a count (window-format.ts).

export interface LevelWrite {
  readonly key: Uint8Array;
  /** Null removes. */
  readonly value: Uint8Array | null;
}

/** One database. Keys sort as bytes. Throws `STORAGE_IO`, `WINDOW_CORRUPT`. */
export interface LevelStore {
  /** Undefined where absent, in the order of `keys`. */
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** All or none, and durable when it resolves. */
  write(batch: readonly LevelWrite[]): Promise<void>;
  /** Keys in `[from, to)`, rising, with their values. */
  entries(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>;
  keys(from: Uint8Array, to: Uint8Array): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** The databases of an engine, by path below its folder (parts joined by `/`). */
export interface LevelStores {
  /** Opens, or creates. Throws `WINDOW_CORRUPT` when what is there is no database any more, `STORAGE_IO`. */
  open(path: string): Promise<LevelStore>;
  /** Names of the databases in a folder, sorted. */
  list(folder: string): Promise<string[]>;
  /** Removes a database, which must be closed. Absent is fine. */
  destroy(path: string): Promise<void>;
}
