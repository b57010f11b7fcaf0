// Bits one behind the other, the highest of each number first; the last byte is filled up with zeros.

export class BitWriter {
  #bytes = new Uint8Array(256);
  #length = 0;
  /** Bits of the last byte that are not written yet. */
  #free = 0;

  reset(): void {
    this.#length = 0;
    this.#free = 0;
  }

  /** The lowest `count` bits of `value`; at most 32. */
  bits(value: number, count: number): void {
    if (this.#length + 5 > this.#bytes.length) this.#grow();
    const bytes = this.#bytes;
    let left = count;
    while (left > 0) {
      if (this.#free === 0) {
        bytes[this.#length++] = 0;
        this.#free = 8;
      }
      const taken = Math.min(left, this.#free);
      const part = (value >>> (left - taken)) & ((1 << taken) - 1);
      bytes[this.#length - 1] = (bytes[this.#length - 1] as number) | (part << (this.#free - taken));
      this.#free -= taken;
      left -= taken;
    }
  }

  /** The lowest `count` bits of a number of 64, given as two halves. */
  bits64(high: number, low: number, count: number): void {
    if (count > 32) this.bits(high, count - 32);
    this.bits(low, Math.min(count, 32));
  }

  /** A whole number as the lowest `count` bits of its two's complement; exact within 2^53. */
  whole(value: number, count: number): void {
    this.bits64(Math.floor(value / TWO_32), value, count);
  }

  /** Puts a byte in place of one that is written. */
  patch(at: number, byte: number): void {
    this.#bytes[at] = byte;
  }

  /** A copy of what is written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(): void {
    const grown = new Uint8Array(this.#bytes.length * 2);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

const TWO_32 = 0x1_0000_0000;
