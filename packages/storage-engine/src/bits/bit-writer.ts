import type { ByteWriter } from '@tidemark/base';

// Bits go into bytes from the low end: the first bit written is bit 0 of the first byte. The partner of bit-reader.ts.

// 24: an accumulator of less than 8 bits waiting plus 24 new ones stays below the sign of an int32.
export const BITS_AT_ONCE = 24;

export class BitWriter {
  readonly #target: ByteWriter;
  #waiting = 0;
  #waitingBits = 0;

  constructor(target: ByteWriter) {
    this.#target = target;
  }

  /** The low `bits` of `value`, at most 24. Requires nothing set above them. */
  write(value: number, bits: number): void {
    const target = this.#target;
    target.reserve(4);
    let waiting = this.#waiting | (value << this.#waitingBits);
    let waitingBits = this.#waitingBits + bits;
    const { bytes } = target;
    let at = target.length;
    while (waitingBits >= 8) {
      bytes[at++] = waiting;
      waiting >>>= 8;
      waitingBits -= 8;
    }
    target.length = at;
    this.#waiting = waiting;
    this.#waitingBits = waitingBits;
  }

  /** Writes the last, partly filled byte. Call once, at the end. */
  finish(): void {
    if (this.#waitingBits > 0) this.#target.u8(this.#waiting);
    this.#waiting = 0;
    this.#waitingBits = 0;
  }
}
