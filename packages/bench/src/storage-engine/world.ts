import { join } from 'node:path';
import { nodeDisk } from '@tidemark/base';
import type { SampleBatch } from '@tidemark/model';
import {
  type ObjectStore,
  openFileObjectStore,
  openStorageEngine,
  type SealReport,
  type StorageEngine,
  type StorageOptions,
} from '@tidemark/storage-engine';
import { HandClock } from './clock.ts';
import { Costs } from './costs.ts';

// An engine alone on real disk, a log in front of it that is only counted, and simulated time.

/** Begins a window of two hours. */
export const START_MS = 1_699_999_200_000;
export const INTERVAL_MS = 10_000;
export const WINDOW_MS = 2 * 3_600_000;
export const TENANT = 'default';
const TP = { topic: 'tidemark.raw', partition: 0 };

export interface WorldOptions {
  readonly startMs?: number;
  readonly options?: Partial<StorageOptions>;
  readonly objectStore?: ObjectStore;
}

export class World {
  readonly engine: StorageEngine;
  readonly clock: HandClock;
  readonly costs = new Costs();
  samples = 0;
  #offset: number;

  private constructor(engine: StorageEngine, clock: HandClock) {
    this.engine = engine;
    this.clock = clock;
    this.#offset = engine.position(TP);
  }

  static async open(
    folder: string,
    { startMs = START_MS, options = {}, objectStore }: WorldOptions = {},
  ): Promise<World> {
    const clock = new HandClock(startMs);
    const engine = await openStorageEngine({
      disk: nodeDisk(folder),
      folder,
      objectStore: objectStore ?? (await openFileObjectStore(join(folder, 'objects'))),
      clock,
      installationKey: new Uint8Array(32).fill(1),
      options,
    });
    return new World(engine, clock);
  }

  /** Where the log goes on. */
  get offset(): number {
    return this.#offset;
  }

  apply(batch: SampleBatch): void {
    const offset = this.#offset++;
    this.costs.spend('apply', () => this.engine.applySamples({ ...TP, offset, batch }));
    this.samples += batch.values.length;
  }

  /** As a storer does between batches. */
  async checkpointIfDue(): Promise<void> {
    if (this.engine.checkpointDue()) await this.costs.spend('checkpoint', () => this.engine.checkpoint());
  }

  /** Windows that end by then are sealed. */
  async sealThrough(endMs: number): Promise<SealReport> {
    this.clock.moveTo(endMs + 15 * 60_000);
    const report = await this.costs.spend('seal', () => this.engine.seal({ supplementsToo: true }));
    if (report.failures.length > 0) throw new Error(report.failures.join('; '));
    return report;
  }
}

/** What seals wrote, in all. */
export function sealedTotals(reports: readonly SealReport[]): { series: number; samples: number; bytes: number } {
  const totals = { series: 0, samples: 0, bytes: 0 };
  for (const { series, samples, bytes } of reports.flatMap(({ windows }) => windows)) {
    totals.series += series;
    totals.samples += samples;
    totals.bytes += bytes;
  }
  return totals;
}
