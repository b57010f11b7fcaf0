import { assert, Mutex } from '@tidemark/base';
import type { LevelStore, LevelStores } from './level-store.ts';

// Open databases, few at a time: each costs four file descriptors and a write buffer, and a backfill can touch a window for
// every two hours of a week in every partition.

interface Entry {
  readonly store: Promise<LevelStore>;
  uses: number;
}

export class StorePool {
  readonly #stores: LevelStores;
  readonly #openMax: number;
  // In order of last use: a Map keeps insertion order, and a used entry is put in again.
  readonly #open = new Map<string, Entry>();
  readonly #mutex = new Mutex();

  constructor(stores: LevelStores, openMax: number) {
    this.#stores = stores;
    this.#openMax = openMax;
  }

  /** Runs `work` on the database, which stays open meanwhile. */
  async use<T>(path: string, work: (store: LevelStore) => Promise<T>): Promise<T> {
    const entry = await this.#mutex.run(() => this.#take(path));
    try {
      return await work(await entry.store);
    } finally {
      entry.uses--;
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
      for (const path of [...this.#open.keys()]) await this.#close(path);
    });
  }

  async #take(path: string): Promise<Entry> {
    let entry = this.#open.get(path);
    if (entry === undefined) {
      await this.#closeIdle();
      entry = { store: this.#stores.open(path), uses: 0 };
    }
    this.#open.delete(path);
    this.#open.set(path, entry);
    entry.uses++;
    try {
      await entry.store;
    } catch (error) {
      this.#open.delete(path);
      throw error;
    }
    return entry;
  }

  /** Makes room for one more; when all are in use the limit is passed rather than waited for: waiting could lock up. */
  async #closeIdle(): Promise<void> {
    for (const [path, entry] of this.#open) {
      if (this.#open.size < this.#openMax) return;
      if (entry.uses === 0) await this.#close(path);
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
