import { emptyRow } from '@tidemark/model';
import type { MinuteSpan, StoreTenant } from '../state/window-store.ts';
import type { RollupMetrics } from './metrics.ts';
import type { RowBatcher } from './row-batcher.ts';

// Asks whoever holds raw samples to make rows of an hour from them, because rows made here lack points: they came after
// grace, or the log did not go back far enough, or the clock had run ahead.
//
//   tidemark.1h   ... rows ... | mark: series, hour's end, minutes, closed through, offset | ... rows ...
//
// A mark is a row of generation 0 and count 0: the least revision there is, of a row that is none, so that readers of rows
// need not know of marks. `min` and `max` are the ends of the first and last minute that lack points. `lastMs` says up to where
// this task will send no row of its own again; `offset` up to where raw has to be read for what was missed.

export interface MarkFacts {
  readonly closedThroughMs: number;
  readonly offset: number;
  readonly admittedAtMs: number;
}

export class RepairMarks {
  readonly #batcher: RowBatcher;
  readonly #metrics: RollupMetrics;

  /** The batcher sends generation 0. */
  constructor(batcher: RowBatcher, metrics: RollupMetrics) {
    this.#batcher = batcher;
    this.#metrics = metrics;
  }

  /** `minutes`: the span that lacks points. */
  add(tenant: StoreTenant, ref: number, hourEndMs: number, about: MarkFacts, minutes: MinuteSpan): void {
    const { firstMs: min, lastMs: max } = minutes;
    const row = { ...emptyRow(hourEndMs), min, max, lastMs: about.closedThroughMs };
    this.#batcher.add(tenant, ref, hourEndMs, row, about.offset, about.admittedAtMs);
    this.#metrics.repairsAsked.add();
  }

  flush(admittedAtMs: number): void {
    this.#batcher.flush(admittedAtMs);
  }
}
