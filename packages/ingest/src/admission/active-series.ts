import { FingerprintSet } from './fingerprint-set.ts';

// How many series of a tenant are alive: had a sample within one to two windows.
//
//   window     |   before   |   current   |
//   sample of A     x                          A counts until the current window ends
//   sample of B                   x            B counts until the next one ends
//
// Two generations of fingerprints. A series is looked up once a window, not once a sample: tables of series remember in
// which window they counted it last (`activeStamps`).

export class ActiveSeries {
  readonly #windowMs: number;
  /** May change; series that are counted already stay. */
  max: number;
  #before = new FingerprintSet();
  #current = new FingerprintSet();
  /** Members of `before` that are in `current` too. */
  #both = 0;
  #stamp = 1;
  #endsAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: { readonly activeSeriesMax: number; readonly activeSeriesWindowMs: number }) {
    this.#windowMs = options.activeSeriesWindowMs;
    this.max = options.activeSeriesMax;
  }

  /** Number of the current window, for `activeStamps`; never 0. */
  get stamp(): number {
    return this.#stamp;
  }

  get size(): number {
    return this.#current.size + this.#before.size - this.#both;
  }

  /** Turns the window when it is over. Call it before each request. */
  turn(nowMs: number): void {
    if (nowMs < this.#endsAtMs) return;
    const isFirst = this.#endsAtMs === Number.NEGATIVE_INFINITY;
    const isNext = !isFirst && nowMs < this.#endsAtMs + this.#windowMs;
    this.#before = isNext ? this.#current : new FingerprintSet();
    this.#current = new FingerprintSet();
    this.#both = 0;
    this.#endsAtMs = nowMs + this.#windowMs;
    this.#stamp = (this.#stamp + 1) >>> 0 || 1;
  }

  /** Whether the series counts as alive. */
  has(fingerprint: number): boolean {
    return this.#current.has(fingerprint) || this.#before.has(fingerprint);
  }

  /** Counts a series as alive. False when it is new and the limit is reached. */
  admit(fingerprint: number): boolean {
    const isKnown = this.#before.has(fingerprint);
    if (!isKnown && this.size >= this.max && !this.#current.has(fingerprint)) return false;
    if (this.#current.add(fingerprint) && isKnown) this.#both++;
    return true;
  }
}
