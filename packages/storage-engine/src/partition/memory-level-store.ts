import type { ClassicLevel } from 'classic-level';
import { MemoryLevel } from 'memory-level';
import { storageError } from '../errors.ts';
import { AbstractLevelStore } from './abstract-level-store.ts';
import type { LevelStore, LevelStores } from './level-store.ts';

// LevelDB for the simulated world: databases in memory that outlive the engine that wrote them, as a disk does. Every write
// of the port is synced, so a crash loses none that resolved; `crash()` only takes the open handles away.

export class MemoryLevelStores implements LevelStores {
  readonly #levels = new Map<string, MemoryLevel<Uint8Array, Uint8Array>>();
  #epoch = 0;
  /** The next `writeFailures` writes are refused: a full disk. */
  writeFailures = 0;

  async open(path: string, { create }: { readonly create: boolean }): Promise<LevelStore> {
    let level = this.#levels.get(path);
    if (level === undefined) {
      if (!create) throw storageError('WINDOW_CORRUPT', `there is no database ${path}`, { path });
      level = new MemoryLevel<Uint8Array, Uint8Array>({
        keyEncoding: 'view',
        valueEncoding: 'view',
        storeEncoding: 'view',
      });
      this.#levels.set(path, level);
    }
    await level.open();
    const store = new AbstractLevelStore(
      // Both are abstract-levels with the same methods; `sync`, which only classic-level knows, is ignored here.
      level as unknown as ClassicLevel<Uint8Array, Uint8Array>,
      path,
    );
    const epoch = this.#epoch;
    const check = () => {
      if (epoch !== this.#epoch) throw new Error('this handle belongs to a process that is gone');
    };
    return {
      getMany: (keys) => {
        check();
        return store.getMany(keys);
      },
      write: async (batch) => {
        check();
        if (this.writeFailures > 0) {
          this.writeFailures--;
          throw storageError('STORAGE_IO', 'simulated: no space left', { path });
        }
        await store.write(batch);
      },
      entries: (from, to) => store.entries(from, to),
      keys: (from, to) => store.keys(from, to),
      // A closed memory-level forgets nothing, but reopening it is all a crash leaves us.
      close: async () => undefined,
    };
  }

  async list(folder: string): Promise<string[]> {
    const prefix = `${folder}/`;
    const names = new Set<string>();
    for (const path of this.#levels.keys()) {
      if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/')[0] as string);
    }
    return [...names].sort();
  }

  async destroy(path: string): Promise<void> {
    this.#levels.delete(path);
  }

  /** Opening one of these harms nothing. */
  async twin(): Promise<boolean> {
    return false;
  }

  async rename(path: string, to: string): Promise<void> {
    const level = this.#levels.get(path);
    this.#levels.delete(path);
    if (level !== undefined) this.#levels.set(to, level);
  }

  /** What is in memory has its form; values are for others to check. */
  async problem(): Promise<undefined> {
    return undefined;
  }

  async salvage(path: string, to: string): Promise<void> {
    const level = this.#levels.get(path);
    if (level !== undefined) this.#levels.set(to, level);
  }

  /** The process dies: handles opened before now refuse. */
  crash(): void {
    this.#epoch++;
  }

  /** For tests that damage values: the databases by path. */
  databases(): ReadonlyMap<string, MemoryLevel<Uint8Array, Uint8Array>> {
    return this.#levels;
  }
}
