import { type Random, seededRandom } from '@tidemark/base';
import { SimDisk, type SimDiskCall } from '@tidemark/base/sim';
import { SimObjectStore } from '../../src/sim.ts';
import type { Left } from '../damage-sweep/store.ts';
import { START_MS } from '../world.ts';

// Faults of a disk that come and go.

const CALLS: readonly SimDiskCall[] = [
  ...(['sync', 'sync', 'sync', 'sync', 'syncFolder', 'syncFolder'] as const),
  ...(['append', 'open', 'rename', 'remove', 'writeAtomic', 'truncate', 'read'] as const),
];

export function emptyDisk(seed: number): Left {
  const objects = new SimObjectStore(seededRandom(seed));
  return { disk: new SimDisk(), objects, log: [], committed: 0, nowMs: START_MS };
}

export class DiskFaults {
  readonly #random: Random;
  readonly #disk: () => SimDisk;
  /** Since the process started. */
  were = false;

  constructor(random: Random, disk: () => SimDisk) {
    this.#random = random;
    this.#disk = disk;
  }

  step(): void {
    const disk = this.#disk();
    switch (this.#random.below(12)) {
      case 0:
      case 1:
        disk.failNext(CALLS[this.#random.below(CALLS.length)] as SimDiskCall);
        break;
      case 2:
        disk.handlesMax = disk.handles + this.#random.below(3);
        break;
      case 3:
        disk.capacityBytes = disk.usedBytes + this.#random.below(2000);
        break;
      case 4:
      case 5:
        this.#release();
        return;
      default:
        return;
    }
    this.were = true;
  }

  over(): void {
    this.#release();
    this.#disk().forgetFailures();
    this.were = false;
  }

  #release(): void {
    const disk = this.#disk();
    disk.handlesMax = Number.POSITIVE_INFINITY;
    disk.capacityBytes = Number.POSITIVE_INFINITY;
  }
}
