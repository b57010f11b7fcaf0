import { type Random, SelfMetrics, SimClock, seededRandom } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { openStorageEngine, type StorageEngine, type StorageOptions } from '../src/index.ts';
import { MemoryLevelStores, SimObjectStore } from '../src/sim.ts';

// An engine on simulated parts: disk, LevelDB and object store outlive it, as they do a process.

export const START_MS = 1_700_000_000_000;
export const KEY = new Uint8Array(32).fill(7);

export class World {
  readonly clock = new SimClock(START_MS);
  disk = new SimDisk();
  levels = new MemoryLevelStores();
  readonly objects: SimObjectStore;
  options: Partial<StorageOptions> = {};
  engine!: StorageEngine;
  /** Of the engine that is open. */
  metrics = new SelfMetrics();

  constructor(random: Random = seededRandom(1)) {
    this.objects = new SimObjectStore(random);
  }

  async open(): Promise<StorageEngine> {
    this.metrics = new SelfMetrics();
    this.engine = await openStorageEngine({
      disk: this.disk,
      levelStores: this.levels,
      objectStore: this.objects,
      clock: this.clock,
      installationKey: KEY,
      options: this.options,
      metrics: this.metrics,
    });
    return this.engine;
  }

  /** The process dies; what the disk keeps of unsynced bytes is up to `keep`. */
  crash(seed: number, keep: 'torn' | 'synced' | 'written' = 'torn'): void {
    this.disk = this.disk.crash({ seed, keep });
    this.levels.crash();
  }

  /** The machine is gone; the object store and the log are not. */
  loseDisk(): void {
    this.disk = new SimDisk();
    this.levels.crash();
    this.levels = new MemoryLevelStores();
  }
}
