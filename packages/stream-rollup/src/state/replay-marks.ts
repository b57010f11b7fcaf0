// From where the log has to be replayed to rebuild windows whose files are lost.
//
//   clock    ...---A1-------A2-------A3-------A4--->        marks: the offset of the record that moved the clock there
//   offset         o1       o2       o3       o4
//                                 |--horizon--| oldest open window begins here
//                           ^
//                           the last mark not after (window's beginning - horizon) is where replay may start:
//                           no record before it can have a point in the window, for none may be further ahead of the
//                           clock than the horizon

export interface ReplayMark {
  readonly clockMs: number;
  readonly offset: number;
}

// 10 s: a mark's price is 20 bytes, its gain that the log may drop what is before it.
const SPACING_MS = 10_000;

export class ReplayMarks {
  #marks: ReplayMark[] = [];

  /** The record at `offset` moved the clock forward to `clockMs`. */
  add(clockMs: number, offset: number): void {
    const last = this.#marks.at(-1);
    if (last && clockMs < last.clockMs + SPACING_MS) return;
    this.#marks.push({ clockMs, offset });
  }

  /** The clock was turned back to `clockMs`: what marks said of later times is said of this one by the first of them. */
  turnBack(clockMs: number): void {
    let first = this.#marks.length;
    while (first > 0 && (this.#marks[first - 1] as ReplayMark).clockMs > clockMs) first--;
    const [mark] = this.#marks.splice(first);
    if (mark) this.#marks.push({ clockMs, offset: mark.offset });
  }

  /** The offset to replay from for everything after `neededMs`; forgets marks before it. Undefined without marks. */
  offsetFor(neededMs: number): number | undefined {
    let found = 0;
    while (found + 1 < this.#marks.length && (this.#marks[found + 1] as ReplayMark).clockMs <= neededMs) found++;
    if (found > 0) this.#marks.splice(0, found);
    return this.#marks[0]?.offset;
  }

  list(): readonly ReplayMark[] {
    return this.#marks;
  }

  load(marks: readonly ReplayMark[]): void {
    this.#marks = [...marks];
  }
}
