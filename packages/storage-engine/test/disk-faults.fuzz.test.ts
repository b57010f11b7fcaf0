import { isTidemarkError, type Random, seededRandom } from '@tidemark/base';
import { rounds, timeLimit, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { Process } from './damage-sweep/store.ts';
import { DiskFaults, emptyDisk } from './disk-faults/faults.ts';
import { judge } from './oracle/truth.ts';

// An engine whose disk refuses: syncs that fail and of which no later one writes what they were to, no handles left, no room, calls that
// fail. Whatever of it happens in between:
//
//   intake     a record is taken or refused, never half of it
//   answers    all that was told, or a refusal, or some with a warning
//   positions  what the log may let go is durable: after a loss of power nothing is wanted that it has let go, and all is there again
//   trouble    that is over is over: the next checkpoint and the next seal succeed, without a new start

const HOUR = 3_600_000;
const STEPS = 60;

class Life {
  readonly #random: Random;
  readonly #faults: DiskFaults;
  #process: Process;
  refused = 0;

  private constructor(random: Random, process: Process) {
    this.#random = random;
    this.#process = process;
    this.#faults = new DiskFaults(random, () => this.#process.disk);
  }

  static async begin(seed: number): Promise<Life> {
    const process = new Process(emptyDisk(seed), 0);
    await process.start();
    return new Life(seededRandom(seed), process);
  }

  async step(): Promise<void> {
    const random = this.#random;
    this.#faults.step();
    const what = random.below(20);
    if (what < 8) await this.#tell();
    else if (what < 13) await this.#attempt(() => this.#process.checkpoint());
    else if (what < 15) {
      await this.#process.clock.advance(random.below(3) * HOUR);
      await this.#attempt(() => this.#process.engine.seal({ supplementsToo: true }));
    } else if (what === 15) await this.#attempt(() => this.#process.engine.compact({ cleanAll: true }));
    else if (what < 19) await this.#attempt(async () => judge(await this.#process.answer(), this.#process.wanted()));
    else await this.#die();
  }

  /** Trouble is over: everything succeeds, and is there. */
  async end(): Promise<void> {
    this.#faults.over();
    await this.#process.checkpoint();
    expect((await this.#process.engine.seal({ supplementsToo: true })).failures).toEqual([]);
    await this.#process.checkpoint();
    judge(await this.#process.answer(), this.#process.wanted());
    await this.#die();
  }

  async #tell(): Promise<void> {
    const { clock } = this.#process;
    const host = `h${this.#random.below(3)}`;
    const lateMs = this.#random.below(5) === 0 ? this.#random.below(4) * HOUR : 0;
    const isDelete = this.#random.below(10) === 0;
    const timeMs = clock.nowMs() - lateMs;
    await clock.advance(60_000);
    await this.#attempt(async () => {
      if (isDelete) this.#process.tell({ kind: 'delete', host, startMs: timeMs - HOUR, endMs: timeMs });
      else {
        const value = this.#random.below(1000);
        const points = Array.from({ length: 30 }, (_, i) => ({ host, timeMs: timeMs - i * 15_000, value: value + i }));
        this.#process.tell({ kind: 'points', points });
      }
    });
  }

  /** The power is gone, or the process alone; what comes back starts on a disk that is well. */
  async #die(): Promise<void> {
    this.#faults.over();
    const keep = (['synced', 'torn', 'written'] as const)[this.#random.below(3)];
    const left = this.#process.leave(keep, this.#random.below(2 ** 31));
    this.#process = new Process(left, left.committed);
    await this.#process.start();
    expect(judge(await this.#process.answer(), this.#process.wanted())).toBe('whole');
  }

  /** Only the world's faults are any, and only while there are some. */
  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isTidemarkError(error) || !/^(DISK|STORAGE|WINDOW)_/.test(error.code) || !this.#faults.were) throw error;
      this.refused++;
    }
  }
}

test(
  'whatever a disk refuses, what was acknowledged is there',
  async () => {
    await withSeed('disk-faults', async (random) => {
      let refused = 0;
      for (let round = 0; round < rounds(60); round++) {
        const seed = random.below(2 ** 31);
        try {
          const life = await Life.begin(seed);
          for (let step = 0; step < STEPS; step++) await life.step();
          await life.end();
          refused += life.refused;
        } catch (error) {
          if (error instanceof Error) error.message = `life ${seed}: ${error.message}`;
          throw error;
        }
      }
      expect(refused).toBeGreaterThan(0);
    });
  },
  timeLimit(900_000),
);
