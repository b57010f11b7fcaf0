import { assert, type Clock, type Logger, Mutex, messageOf } from '@tidemark/base';
import { storageError } from '../errors.ts';
import type { LevelStore, LevelStores } from './level-store.ts';

// Open databases, few at a time and none for long: each costs four file descriptors, a write buffer, and whatever was read of
// its tables, which stays mapped. A backfill can touch a window for every two hours of a week in every partition.
//
//   #open   least recently used ─────────────────▶ most recently
//           idle for idleMs: closed by the sweep    used, in use
//           in the way of one more than openMax: closed
//
// One whose write failed is not to be written again as it is: LevelDB may take the next write, say that it is safe, and have it lie
// where its recovery does not find it; or refuse every write until it is opened anew, room or not.
//
//   write fails ──▶ distrusted: closed by the last who uses it, whoever comes waits for that
//                        └──▶ opened again for reads; for writes once somebody looked at it, and says so (trust)

interface Entry {
  readonly store: Promise<LevelStore>;
  uses: number;
  /** Called by the last who lets it go. */
  onUnused?: () => void;
  /** When it was last let go, or taken. */
  usedMs: number;
}

export interface StorePoolOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Databases open at once. */
  readonly openMax: number;
  /** A database that nobody used for so long is closed; at most twice as long after its last use. */
  readonly idleMs: number;
}

export class StorePool {
  readonly #stores: LevelStores;
  readonly #options: StorePoolOptions;
  // In order of last use: a Map keeps insertion order, and a used entry is put in again.
  readonly #open = new Map<string, Entry>();
  readonly #mutex = new Mutex();
  /** Databases whose write failed, until somebody looked at them. */
  readonly #distrusted = new Set<string>();
  /** Databases that nobody may take now, and what ends that. */
  readonly #shut = new Map<string, Promise<void>>();
  #cancelSweep: (() => void) | undefined;

  constructor(stores: LevelStores, options: StorePoolOptions) {
    this.#stores = stores;
    this.#options = options;
  }

  /** Databases open now. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Runs `work` on the database, which stays open meanwhile. `create`: nothing was ever written there. */
  async use<T>(path: string, work: (store: LevelStore) => Promise<T>, { create = false } = {}): Promise<T> {
    const entry = await this.#mutex.run(() => this.#take(path, create));
    if (entry === undefined) {
      await this.#shut.get(path);
      return this.use(path, work, { create });
    }
    try {
      return await work(await entry.store);
    } finally {
      entry.uses--;
      entry.usedMs = this.#options.clock.nowMs();
      if (entry.uses === 0) entry.onUnused?.();
    }
  }

  /** Whether a write failed, and nobody has looked at the database since. */
  distrusts(path: string): boolean {
    return this.#distrusted.has(path);
  }

  /** It was looked at: what is there is what it should be. */
  trust(path: string): void {
    this.#distrusted.delete(path);
  }

  /** Closes it once nobody uses it, and nobody takes it until `work` is done. Requires: the caller does not use it. */
  whileShut<T>(path: string, work: (stores: LevelStores) => Promise<T>): Promise<T> {
    const done = this.#whileShut(path, work);
    const shut = done.then(
      () => undefined,
      () => undefined,
    );
    this.#shut.set(path, shut);
    void shut.then(() => {
      if (this.#shut.get(path) === shut) this.#shut.delete(path);
    });
    return done;
  }

  list(folder: string): Promise<string[]> {
    return this.#stores.list(folder);
  }

  /** Closes and removes. Requires that nobody uses it. */
  async destroy(path: string): Promise<void> {
    await this.whileClosed(path, (stores) => stores.destroy(path));
    this.trust(path);
  }

  /** Closes it, and nobody opens one until `work` is done. Requires that nobody uses it. */
  whileClosed<T>(path: string, work: (stores: LevelStores) => Promise<T>): Promise<T> {
    return this.#mutex.run(async () => {
      await this.#close(path);
      return work(this.#stores);
    });
  }

  close(): Promise<void> {
    return this.#mutex.run(async () => {
      this.#cancelSweep?.();
      this.#cancelSweep = undefined;
      for (const path of [...this.#open.keys()]) await this.#close(path);
    });
  }

  /** Undefined where it is shut. */
  async #take(path: string, create: boolean): Promise<Entry | undefined> {
    if (this.#shut.has(path)) return undefined;
    let entry = this.#open.get(path);
    if (entry === undefined) {
      await this.#makeRoom();
      const store = this.#stores.open(path, { create });
      entry = { store: store.then((opened) => this.#watched(path, opened)), uses: 0, usedMs: 0 };
    }
    this.#open.delete(path);
    this.#open.set(path, entry);
    entry.uses++;
    entry.usedMs = this.#options.clock.nowMs();
    this.#scheduleSweep();
    try {
      await entry.store;
    } catch (error) {
      this.#open.delete(path);
      throw error;
    }
    return entry;
  }

  async #whileShut<T>(path: string, work: (stores: LevelStores) => Promise<T>): Promise<T> {
    await this.#shut.get(path);
    // Behind whoever is taking it at this moment.
    const entry = await this.#mutex.run(async () => this.#open.get(path));
    if (entry !== undefined && entry.uses > 0) {
      await new Promise<void>((resolve) => {
        entry.onUnused = resolve;
      });
    }
    return this.whileClosed(path, work);
  }

  /** The same database, with an eye on its writes. */
  #watched(path: string, store: LevelStore): LevelStore {
    let failed = false;
    return {
      getMany: (keys) => store.getMany(keys),
      entries: (from, to) => store.entries(from, to),
      keys: (from, to) => store.keys(from, to),
      close: () => store.close(),
      write: async (batch) => {
        if (failed) throw notWritable(path);
        try {
          await store.write(batch);
        } catch (error) {
          failed = true;
          this.#distrust(path);
          throw error;
        }
      },
    };
  }

  #distrust(path: string): void {
    this.#distrusted.add(path);
    if (this.#shut.has(path)) return;
    this.whileShut(path, () => Promise.resolve()).catch((error: unknown) =>
      this.#options.logger.warn('a window whose write failed could not be closed', { path, reason: messageOf(error) }),
    );
  }

  /** Makes room for one more; when all are in use the limit is passed rather than waited for: waiting could lock up. */
  async #makeRoom(): Promise<void> {
    for (const [path, entry] of this.#open) {
      if (this.#open.size < this.#options.openMax) return;
      if (entry.uses === 0) await this.#close(path);
    }
  }

  /** One sweep at a time, and none while nothing is open. */
  #scheduleSweep(): void {
    const { clock, idleMs, logger } = this.#options;
    this.#cancelSweep ??= clock.after(idleMs, () => {
      this.#cancelSweep = undefined;
      void this.#mutex
        .run(() => this.#sweep())
        .catch((error: unknown) => logger.warn('an idle window could not be closed', { reason: messageOf(error) }));
    });
  }

  async #sweep(): Promise<void> {
    const { clock, idleMs } = this.#options;
    const untilMs = clock.nowMs() - idleMs;
    try {
      for (const [path, entry] of this.#open) if (entry.uses === 0 && entry.usedMs <= untilMs) await this.#close(path);
    } finally {
      if (this.#open.size > 0) this.#scheduleSweep();
    }
  }

  async #close(path: string): Promise<void> {
    const entry = this.#open.get(path);
    if (entry === undefined) return;
    assert(entry.uses === 0, 'nobody uses a database that is closed');
    this.#open.delete(path);
    await (await entry.store).close();
  }
}

function notWritable(path: string): Error {
  return storageError('STORAGE_IO', `LevelDB of window ${path}: a write failed, it is opened anew first`, {
    name: path,
  });
}
