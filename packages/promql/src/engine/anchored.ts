import { type Window, wholeWindow } from '../plan/plan.ts';
import { firstAfter } from '../value/search.ts';
import type { Grid } from '../value/value.ts';
import type { Points } from './points.ts';
import { Windows } from './window.ts';

// Windows that begin with the last point before them, where there is one:
//
//      ·  ·  (··│·  ·  ·  ·]          │ the range's start; what is before the last point there is not seen
//            └─ found within the lookback
//
// For `changes` and `resets`, to which what was before the range is one point like any other. A window without a point inside its
// range has none at all.

export class AnchoredWindows extends Windows {
  readonly #grid: Grid;
  readonly #window: Window;

  constructor(grid: Grid, window: Window) {
    super(grid, wholeWindow(window));
    this.#grid = grid;
    this.#window = window;
  }

  override alike(): Windows {
    return new AnchoredWindows(this.#grid, this.#window);
  }

  override load(points: Pick<Points, 'timestampsMs' | 'values'>): void {
    const { version } = this;
    super.load(points);
    if (this.version === version) return;
    const { timestampsMs, from, to, steps } = this;
    for (let k = 0; k < steps; k++) {
      const low = from[k] as number;
      const high = to[k] as number;
      const inside = firstAfter(timestampsMs, low, high, this.endMs(k) - this.#window.rangeMs);
      if (inside === high) to[k] = low;
      else from[k] = Math.max(low, inside - 1);
    }
  }
}
