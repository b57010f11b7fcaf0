import { isStaleAt, wordsOf } from '@tidemark/model';

// Which sample stands for a series at a moment.
//
//        lookback
//   (──────────────────]            the newest sample in (at - lookback, at]; none if that one is a stale marker
//     s      s    s    at
//
// Which one it is depends on times alone, and series of one scrape share theirs: it is found once for all of them.

const NONE = -1;

export class Instants {
  readonly #firstMs: number;
  readonly #stepMs: number;
  readonly #lookbackMs: number;
  /** By step: which sample, or NONE. */
  readonly #index: Int32Array;
  #timestampsMs: Float64Array | undefined;

  /** Moments at `firstMs + k * stepMs`. */
  constructor(steps: number, firstMs: number, stepMs: number, lookbackMs: number) {
    this.#firstMs = firstMs;
    this.#stepMs = stepMs;
    this.#lookbackMs = lookbackMs;
    this.#index = new Int32Array(steps);
  }

  /**
   * Fills `values` and `present` at every moment; with `times`, the sample's own time in seconds instead of its value. Returns
   * whether there is any.
   */
  fill(
    timestampsMs: Float64Array,
    samples: Float64Array,
    values: Float64Array,
    present: Uint8Array,
    times: boolean,
  ): boolean {
    if (timestampsMs !== this.#timestampsMs) this.#find(timestampsMs);
    const index = this.#index;
    let words: Uint32Array | undefined;
    let any = false;
    for (let k = 0; k < index.length; k++) {
      const i = index[k] as number;
      present[k] = 0;
      if (i === NONE) continue;
      const value = samples[i] as number;
      if (value !== value) {
        words ??= wordsOf(samples);
        if (isStaleAt(words, i)) continue;
      }
      values[k] = times ? (timestampsMs[i] as number) / 1000 : value;
      present[k] = 1;
      any = true;
    }
    return any;
  }

  /** By step the sample that is the newest in the lookback, stale or not; -1 where there is none. */
  entries(timestampsMs: Float64Array): Int32Array {
    if (timestampsMs !== this.#timestampsMs) this.#find(timestampsMs);
    return this.#index;
  }

  #find(timestampsMs: Float64Array): void {
    this.#timestampsMs = timestampsMs;
    const count = timestampsMs.length;
    let next = 0; // first sample after the moment looked at; only moves forward
    for (let k = 0; k < this.#index.length; k++) {
      const atMs = this.#firstMs + k * this.#stepMs;
      while (next < count && (timestampsMs[next] as number) <= atMs) next++;
      const old = next === 0 || (timestampsMs[next - 1] as number) <= atMs - this.#lookbackMs;
      this.#index[k] = old ? NONE : next - 1;
    }
  }
}
