// The bytes of many histograms side by side: a buffer of its own for each would cost more than what is in it.

// 64 KiB: some 300 histograms.
const PAGE_BYTES = 64 * 1024;
/** What a view of a page takes, beside the page. */
const VIEW_BYTES = 100;

export class HistogramPages {
  #page = new Uint8Array(0);
  #used = 0;
  /** Of all that was kept since the last `clear`. */
  bytes = 0;

  /** A copy: it is good for as long as somebody holds it. */
  keep(histogram: Uint8Array): Uint8Array {
    const { length } = histogram;
    if (this.#used + length > this.#page.length) {
      this.#page = new Uint8Array(Math.max(PAGE_BYTES, length));
      this.#used = 0;
    }
    const kept = this.#page.subarray(this.#used, this.#used + length);
    kept.set(histogram);
    this.#used += length;
    this.bytes += length + VIEW_BYTES;
    return kept;
  }

  /** Nothing that was kept is counted any more. */
  clear(): void {
    this.#page = new Uint8Array(0);
    this.#used = 0;
    this.bytes = 0;
  }
}
