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

/**
 * The databases of an engine, by path below its folder (parts joined by `/`).
 *
 * Opening one writes: LevelDB makes a table of its log and removes what its MANIFEST does not name, so a damaged one may be worth
 * less than before. And where bits of a table have flipped it may end the process. Hence `twin` and `problem`: whoever opens what may
 * have been harmed first keeps what is there, and asks.
 */
export interface LevelStores {
  /**
   * `create`: makes one where there is none. Never where something was written before: LevelDB takes a database without its CURRENT
   * for none, and removes the rest. Throws `WINDOW_CORRUPT` when what is there is no database (any more), `STORAGE_IO`.
   */
  open(path: string, request: { readonly create: boolean }): Promise<LevelStore>;
  /** Names of the databases in a folder, sorted. */
  list(folder: string): Promise<string[]>;
  /**
   * Removes a database, which must be closed: whole, or not at all, under its name; durable when it resolves, for what comes back after a
   * loss of power would be taken for something. Absent is fine.
   */
  destroy(path: string): Promise<void>;
  /**
   * Another database of the same files, which must be closed; whatever becomes of one is nothing to the other. Whole or not there.
   * False where that costs more than a moment (no links), or there is nothing.
   */
  twin(path: string, to: string): Promise<boolean>;
  /** A closed database goes by another path, where there is none yet; durable when it resolves. */
  rename(path: string, to: string): Promise<void>;
  /** What is wrong with the files of a closed database; undefined where it may be opened. Reads all of it. Throws `STORAGE_IO`. */
  problem(path: string): Promise<string | undefined>;
  /**
   * Makes a database, where there is none, of whatever can be read in the files of a closed one, be it all, some or older than it
   * should be: the caller counts. Throws `STORAGE_IO`.
   */
  salvage(path: string, to: string): Promise<void>;
}
