import { assert, type Clock, type Logger, Mutex, messageOf } from '@tidemark/base';
import type { LevelStore, LevelStores } from './level-store.ts';

// Open databases, few at a time and none for long: each costs four file descriptors, a write buffer, and whatever was read of
// its tables, which stays mapped. A backfill can touch a window for every two hours of a week in every partition.
//
//   #open   least recently used ─────────────────▶ most recently
//           idle for idleMs: closed by the sweep    used, in use
//           in the way of one more than openMax: closed

interface Entry {
  readonly store: Promise<LevelStore>;
  uses: number;
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

  #cancelSweep: (() => void) | undefined;

  constructor(stores: LevelStores, options: StorePoolOptions) {
    this.#stores = stores;
    this.#options = options;
  }

  /** Databases open now. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Runs `work` on the database, which stays open meanwhile. */
  async use<T>(path: string, work: (store: LevelStore) => Promise<T>): Promise<T> {
    const entry = await this.#mutex.run(() => this.#take(path));
    try {
      return await work(await entry.store);
    } finally {
      entry.uses--;
      entry.usedMs = this.#options.clock.nowMs();
    }
  }

  list(folder: string): Promise<string[]> {
    return this.#stores.list(folder);
  }

  /** Closes and removes. Requires that nobody uses it. */
  destroy(path: string): Promise<void> {
    return this.#mutex.run(async () => {
      await this.#close(path);
      await this.#stores.destroy(path);
    });
  }

  close(): Promise<void> {
    return this.#mutex.run(async () => {
      this.#cancelSweep?.();
      this.#cancelSweep = undefined;
      for (const path of [...this.#open.keys()]) await this.#close(path);
    });
  }

  async #take(path: string): Promise<Entry> {
    let entry = this.#open.get(path);
    if (entry === undefined) {
      await this.#makeRoom();
      entry = { store: this.#stores.open(path), uses: 0, usedMs: 0 };
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
