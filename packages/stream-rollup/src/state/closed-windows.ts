// Windows that must not take points any more, although the clock may say that they are open: their points were forgotten, or
// some were refused, and the clock was turned back since. By their ends; the latest are kept, for the clock moves on.

// 64: what a jump closes at once (grace and horizon, 16 minutes) twice, and half an hour of what came before it.
const ENDS_MAX = 64;

export class ClosedWindows {
  #ends: number[] = [];

  has(endMs: number): boolean {
    return this.#ends.includes(endMs);
  }

  add(endMs: number): void {
    const ends = this.#ends;
    const full = ends.length === ENDS_MAX;
    if ((full && endMs < (ends[0] as number)) || ends.includes(endMs)) return;
    if (full) ends.shift();
    let at = ends.length;
    while (at > 0 && (ends[at - 1] as number) > endMs) at--;
    ends.splice(at, 0, endMs);
  }

  /** Rising. */
  list(): readonly number[] {
    return this.#ends;
  }

  load(ends: readonly number[]): void {
    this.#ends = [...ends];
  }
}
