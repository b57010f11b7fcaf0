// Bytes that come out of a decoder, up to a cap; matches copy from what is already there.

export class OutputTooLarge extends Error {
  override readonly name = 'OutputTooLarge';
}

export class GrowingOutput {
  bytes: Uint8Array;
  length = 0;
  readonly #max: number;

  constructor(expected: number, max: number) {
    this.#max = max;
    this.bytes = new Uint8Array(Math.min(expected, max));
  }

  /** Throws `OutputTooLarge` before anything is allocated for it. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed > this.#max) throw new OutputTooLarge(`more than ${this.#max} bytes`);
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.min(this.#max, Math.max(needed, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  literal(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    this.bytes.set(source.subarray(start, end), this.length);
    this.length += end - start;
  }

  /** `count` bytes from `distance` back, which may overlap what is being written. Throws `RangeError`. */
  match(distance: number, count: number): void {
    if (distance === 0 || distance > this.length) throw new RangeError('a match from before the beginning');
    this.reserve(count);
    const { bytes, length } = this;
    if (distance >= count) bytes.copyWithin(length, length - distance, length - distance + count);
    else for (let i = length; i < length + count; i++) bytes[i] = bytes[i - distance] as number;
    this.length = length + count;
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}
