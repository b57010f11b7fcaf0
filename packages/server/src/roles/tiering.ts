import { type Clock, isTidemarkError, type Logger, TaskGroup } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import type { StorageEngine, TopicPartitionName } from '@tidemark/storage-engine';
import { Trouble } from './trouble.ts';

// The long life of what is stored: segments are merged and reclaimed in the background, and raw samples stay until the rollup has
// read them.

const COMPACT_INTERVAL_MS = 60_000;
const LOOK_INTERVAL_MS = 30_000;
const ROLLUP_GROUP = 'rollup';

export interface RolledUpParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly rawTopics: readonly string[];
  readonly partitions: readonly number[];
  /** False: nobody here makes rows, so nothing waits for them. */
  readonly rollup: boolean;
  readonly onFailure: (what: string, error: unknown) => void;
}

/** How far the rollup has read raw, its rows being in the log by then. */
export class RolledUp {
  readonly #parts: RolledUpParts;
  readonly #through = new Map<string, number>();
  readonly #tasks: TaskGroup;

  constructor(parts: RolledUpParts) {
    this.#parts = parts;
    this.#tasks = new TaskGroup(parts.onFailure);
  }

  start(): void {
    if (!this.#parts.rollup) return;
    this.#tasks.spawn('rolled up', async (signal) => {
      const trouble = new Trouble(this.#parts.clock, this.#parts.logger, 'see how far the rollup is');
      for (;;) {
        try {
          await this.look();
          trouble.succeeded();
        } catch (error) {
          // What is not known to be rolled up stays.
          if (!isTidemarkError(error)) throw error;
          trouble.failed(error);
        }
        await this.#parts.clock.sleep(LOOK_INTERVAL_MS, signal);
      }
    });
  }

  async look(): Promise<void> {
    const { log, rawTopics, partitions } = this.#parts;
    const wanted = rawTopics.flatMap((topic) => partitions.map((partition) => ({ topic, partition })));
    for (const { topic, partition, offset } of await log.committed(ROLLUP_GROUP, wanted)) {
      this.#through.set(`${topic}/${partition}`, offset);
    }
  }

  /** The offset below which every record is in rows; 0 while that is unknown. */
  readonly through = ({ topic, partition }: TopicPartitionName): number => {
    if (!this.#parts.rollup || !this.#parts.rawTopics.includes(topic)) return Number.POSITIVE_INFINITY;
    return this.#through.get(`${topic}/${partition}`) ?? 0;
  };

  close(): Promise<void> {
    return this.#tasks.close();
  }
}

export interface TieringParts {
  readonly engine: StorageEngine;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFailure: (what: string, error: unknown) => void;
}

/** Compacts every minute; closing stops it in the middle, which is harmless. */
export function startTiering({ engine, clock, logger, onFailure }: TieringParts): { close(): Promise<void> } {
  const tasks = new TaskGroup(onFailure);
  const trouble = new Trouble(clock, logger, 'compact');
  tasks.spawn('compact', async (signal) => {
    for (;;) {
      await clock.sleep(COMPACT_INTERVAL_MS, signal);
      try {
        const { failures } = await engine.compact({ signal });
        if (failures.length === 0) trouble.succeeded();
        else trouble.failed(new Error(failures.join('; ')));
      } catch (error) {
        if (signal.aborted || !isTidemarkError(error)) throw error;
        trouble.failed(error);
      }
    }
  });
  return { close: () => tasks.close() };
}
