// What this process encoded or decoded of late, by the identity of the bytes: consumers beside the producer decode nothing.
//
//   bytes ──> batch      the newest, up to a limit of decoded bytes; the oldest leaves first
//
// Decoded columns are three times what travels. Consumers that are up to date are milliseconds behind; one that is further
// behind decodes for itself, and memory stays what it is.

/** 4 MiB: the columns of 200,000 samples, two seconds at 100,000/s; what they were encoded to is held as well, some 3 MiB. */
export const REMEMBERED_BYTES_MAX = 4 * 1024 * 1024;

export class Remembered<B> {
  readonly #bytesMax: number;
  readonly #sizeOf: (batch: B) => number;
  /** In order of insertion. */
  readonly #batches = new Map<Uint8Array, B>();
  #bytes = 0;

  constructor(sizeOf: (batch: B) => number, bytesMax = REMEMBERED_BYTES_MAX) {
    this.#sizeOf = sizeOf;
    this.#bytesMax = bytesMax;
  }

  get(value: Uint8Array): B | undefined {
    return this.#batches.get(value);
  }

  /** One larger than the limit is not remembered at all. */
  set(value: Uint8Array, batch: B): void {
    const size = this.#sizeOf(batch);
    if (size > this.#bytesMax || this.#batches.has(value)) return;
    this.#batches.set(value, batch);
    this.#bytes += size;
    for (const [oldest, left] of this.#batches) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#batches.delete(oldest);
      this.#bytes -= this.#sizeOf(left);
    }
  }
}
