import type { Punctuator } from '../processor/context.ts';

// Punctuations of one kind of time. `tick` is told the time and calls what is due.

interface Scheduled {
  readonly intervalMs: number;
  readonly punctuator: Punctuator;
  dueMs: number;
}

export class PunctuationSchedule {
  readonly #scheduled = new Set<Scheduled>();

  /** Due one interval after `nowMs`; when that is not known yet (-Infinity), one interval after the first tick. */
  add(nowMs: number, intervalMs: number, punctuator: Punctuator): () => void {
    const scheduled: Scheduled = { intervalMs, punctuator, dueMs: nowMs + intervalMs };
    this.#scheduled.add(scheduled);
    return () => this.#scheduled.delete(scheduled);
  }

  /** Calls each that is due once, however many intervals went by, and lets it be due again after `nowMs`. */
  tick(nowMs: number): void {
    for (const scheduled of [...this.#scheduled]) {
      if (scheduled.dueMs === Number.NEGATIVE_INFINITY) scheduled.dueMs = nowMs + scheduled.intervalMs;
      // A wall clock that ran ahead and was set right must not keep anyone waiting until it is there again.
      if (scheduled.dueMs > nowMs + scheduled.intervalMs) scheduled.dueMs = nowMs + scheduled.intervalMs;
      if (scheduled.dueMs > nowMs || !this.#scheduled.has(scheduled)) continue;
      const missed = Math.floor((nowMs - scheduled.dueMs) / scheduled.intervalMs);
      scheduled.dueMs += (missed + 1) * scheduled.intervalMs;
      scheduled.punctuator(nowMs);
    }
  }

  /** When the next is due; Infinity when none is. */
  nextDueMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#scheduled) next = Math.min(next, dueMs);
    return next;
  }
}
