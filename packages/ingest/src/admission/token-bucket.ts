// A rate with a burst. Whoever finds tokens may go on, and may overdraw by what it takes: a request larger than the burst
// passes as well, and the next one waits until the debt is paid.

export class TokenBucket {
  #perMs: number;
  #burst: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(options: { readonly perSecond: number; readonly burst: number }, nowMs: number) {
    this.#perMs = options.perSecond / 1000;
    this.#burst = options.burst;
    this.#tokens = options.burst;
    this.#filledAtMs = nowMs;
  }

  /** Another rate from now on; what was taken stays taken. */
  change(options: { readonly perSecond: number; readonly burst: number }): void {
    this.#perMs = options.perSecond / 1000;
    this.#burst = options.burst;
    this.#tokens = Math.min(this.#tokens, options.burst);
  }

  /** Takes `count`; 0 when granted, else how many milliseconds until it makes sense to ask again (nothing is taken). */
  take(count: number, nowMs: number): number {
    if (this.#perMs === Number.POSITIVE_INFINITY) return 0;
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsedMs * this.#perMs);
    this.#filledAtMs = nowMs;
    if (this.#tokens > 0 || count === 0) {
      this.#tokens -= count;
      return 0;
    }
    return Math.ceil((1 - this.#tokens) / this.#perMs);
  }
}
