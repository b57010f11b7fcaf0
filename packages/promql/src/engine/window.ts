import type { Window } from '../plan/plan.ts';
import { type Grid, timeAt } from '../value/value.ts';
import type { Points } from './points.ts';

// The windows of a series under a grid: at step k the points [from[k], to[k]) of it, whose times lie in
// (end(k) - range, end(k)]. Both ends only move forward, so all windows together cost one walk over the points.
//
//   points   ·  ·  ·  ·  ·  ·  ·  ·
//   k = 0   (─────────]
//   k = 1         (─────────]
//
// One object is used for all series of a selector in turn: `load` moves it on.

const NO_RESETS = new Int32Array(0);

export class Windows {
  readonly rangeMs: number;
  readonly steps: number;
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Longest window of the loaded series, points. */
  longest = 0;
  /** Changes when `from` and `to` do: what is made of times alone stands as long as it is the same. */
  version = 0;
  timestampsMs: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  #resets: Int32Array | undefined;
  #resetAt = 0;
  readonly #grid: Grid;
  readonly #window: Window;

  constructor(grid: Grid, window: Window) {
    this.#grid = grid;
    this.#window = window;
    this.rangeMs = window.rangeMs;
    this.steps = grid.steps;
    this.from = new Int32Array(grid.steps);
    this.to = new Int32Array(grid.steps);
  }

  /** Others of the same grid and window, with nothing loaded. */
  alike(): Windows {
    return new Windows(this.#grid, this.#window);
  }

  /** Where window `step` ends, its offset taken off. */
  endMs(step: number): number {
    return (this.#window.atMs ?? timeAt(this.#grid, step)) - this.#window.offsetMs;
  }

  /** The moment step `step` is evaluated at, whatever the offset. */
  stepMs(step: number): number {
    return timeAt(this.#grid, step);
  }

  load(points: Pick<Points, 'timestampsMs' | 'values'>): void {
    const { timestampsMs } = points;
    this.values = points.values;
    this.#resets = undefined;
    this.#resetAt = 0;
    // Series of one scrape often share their times, and then their windows.
    if (timestampsMs === this.timestampsMs) return;
    this.timestampsMs = timestampsMs;
    this.version++;
    this.longest = this.#find();
  }

  /** Returns the longest. */
  #find(): number {
    const { timestampsMs, rangeMs, from, to, steps } = this;
    const { offsetMs, atMs } = this.#window;
    const firstMs = (atMs ?? this.#grid.startMs) - offsetMs;
    const stepMs = atMs === undefined ? this.#grid.stepMs : 0;
    const count = timestampsMs.length;
    let longest = 0;
    let low = 0;
    let high = 0;
    for (let k = 0; k < steps; k++) {
      const endMs = firstMs + k * stepMs;
      const afterMs = endMs - rangeMs;
      while (high < count && (timestampsMs[high] as number) <= endMs) high++;
      while (low < high && (timestampsMs[low] as number) <= afterMs) low++;
      from[k] = low;
      to[k] = high;
      if (high - low > longest) longest = high - low;
    }
    return longest;
  }

  /** Indices of points lower than the one before, rising. */
  resets(): Int32Array {
    if (this.#resets) return this.#resets;
    const { values } = this;
    let count = 0;
    for (let i = 1; i < values.length; i++) if ((values[i] as number) < (values[i - 1] as number)) count++;
    const found = count === 0 ? NO_RESETS : new Int32Array(count);
    for (let i = 1, at = 0; at < count; i++) {
      if ((values[i] as number) < (values[i - 1] as number)) found[at++] = i;
    }
    this.#resets = found;
    return found;
  }

  /** Where in `resets()` the first one after point `from` stands. Requires `from` never to fall between two loads. */
  firstResetAfter(from: number): number {
    const resets = this.resets();
    while (this.#resetAt < resets.length && (resets[this.#resetAt] as number) <= from) this.#resetAt++;
    return this.#resetAt;
  }
}
