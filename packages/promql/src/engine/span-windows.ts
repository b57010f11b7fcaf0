import type { Window } from '../plan/plan.ts';
import type { Spans } from '../value/spans.ts';
import { type Grid, timeAt } from '../value/value.ts';

// The windows of a series of spans under a grid: at step k the spans [from[k], to[k]) that reach into (end(k) - range, end(k)].
// As with points, both ends only move forward.
//
//   spans      (···) (····) (···) (····)
//   window        (──────────────]          reaches into three, cuts the first and the last of them

export class SpanWindows {
  readonly rangeMs: number;
  readonly steps: number;
  readonly from: Int32Array;
  readonly to: Int32Array;
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

  endMs(step: number): number {
    return (this.#window.atMs ?? timeAt(this.#grid, step)) - this.#window.offsetMs;
  }

  /** Returns the most spans that one window reaches into. */
  load({ length, firstMs, lastMs }: Spans): number {
    let longest = 0;
    let from = 0;
    let to = 0;
    for (let k = 0; k < this.steps; k++) {
      const endMs = this.endMs(k);
      const afterMs = endMs - this.rangeMs;
      while (to < length && (firstMs[to] as number) <= endMs) to++;
      while (from < to && (lastMs[from] as number) <= afterMs) from++;
      this.from[k] = from;
      this.to[k] = to;
      if (to - from > longest) longest = to - from;
    }
    return longest;
  }

  /** Whether window `step` cuts a span, so that what is said of it is not certain. */
  cuts(spans: Spans, step: number): boolean {
    const from = this.from[step] as number;
    const to = this.to[step] as number;
    if (from >= to) return false;
    const endMs = this.endMs(step);
    return (spans.firstMs[from] as number) <= endMs - this.rangeMs || (spans.lastMs[to - 1] as number) > endMs;
  }
}
