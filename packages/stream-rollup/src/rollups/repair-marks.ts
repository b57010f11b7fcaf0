import { emptyRow } from '@tidemark/model';
import type { StoreTenant } from '../state/window-store.ts';
import type { RollupMetrics } from './metrics.ts';
import type { RowBatcher } from './row-batcher.ts';

// Asks whoever holds raw samples to make rows of an hour from them, because rows made here lack points: they came after
// grace, or the log did not go back far enough, or the clock had run ahead.
//
//   tidemark.1h   ... rows ... | mark: series, hour's end, closed through, offset | ... rows ...
//
// A mark is a row of generation 0 and count 0: the least revision there is, of a row that is none, so that readers of rows
// need not know of marks. `lastMs` says up to where this task will send no row of its own again; `offset` up to where raw
// has to be read for what was missed.

export class RepairMarks {
  readonly #batcher: RowBatcher;
  readonly #metrics: RollupMetrics;

  /** The batcher sends generation 0. */
  constructor(batcher: RowBatcher, metrics: RollupMetrics) {
    this.#batcher = batcher;
    this.#metrics = metrics;
  }

  add(
    tenant: StoreTenant,
    ref: number,
    hourEndMs: number,
    { closedThroughMs, offset, admittedAtMs }: { closedThroughMs: number; offset: number; admittedAtMs: number },
  ): void {
    this.#batcher.add(
      tenant,
      ref,
      hourEndMs,
      { ...emptyRow(hourEndMs), lastMs: closedThroughMs },
      offset,
      admittedAtMs,
    );
    this.#metrics.repairsAsked.add();
  }

  flush(admittedAtMs: number): void {
    this.#batcher.flush(admittedAtMs);
  }
}
