import { storageError } from '../errors.ts';

/** Reads what BitWriter wrote into `bytes[start, end)`. Throws `CHUNK_MALFORMED` at the end of the bytes. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #waiting = 0;
  #waitingBits = 0;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** The next `bits`, at most 24. */
  read(bits: number): number {
    let waiting = this.#waiting;
    let waitingBits = this.#waitingBits;
    while (waitingBits < bits) {
      if (this.#at >= this.#end) throw storageError('CHUNK_MALFORMED', 'packed bits end too early', { at: this.#at });
      waiting |= (this.#bytes[this.#at++] as number) << waitingBits;
      waitingBits += 8;
    }
    const value = waiting & ((1 << bits) - 1);
    this.#waiting = waiting >>> bits;
    this.#waitingBits = waitingBits - bits;
    return value;
  }
}
