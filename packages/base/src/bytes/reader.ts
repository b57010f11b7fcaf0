import { TidemarkError } from '../error.ts';

// Reads what writer.ts wrote. Every read checks the end; a short or overlong input is BYTES_MALFORMED, never a wrong value.

const DECODER = new TextDecoder('utf-8', { fatal: true });
const SCRATCH = new DataView(new ArrayBuffer(8));
const SCRATCH_BYTES = new Uint8Array(SCRATCH.buffer);

export class ByteReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  #need(count: number): void {
    if (count > this.end - this.at) {
      throw malformed(`needs ${count} bytes, ${this.end - this.at} are left`, this.at);
    }
  }

  u8(): number {
    this.#need(1);
    return this.bytes[this.at++] as number;
  }

  u32(): number {
    this.#need(4);
    const { bytes, at } = this;
    this.at = at + 4;
    return (
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24)) >>>
      0
    );
  }

  u32be(): number {
    this.#need(4);
    const { bytes, at } = this;
    this.at = at + 4;
    return (
      (((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number)) >>>
      0
    );
  }

  /** Refuses what a double cannot hold exactly. */
  u64(): number {
    const low = this.u32();
    return this.#join(this.u32(), low);
  }

  u64be(): number {
    const high = this.u32be();
    return this.#join(high, this.u32be());
  }

  #join(high: number, low: number): number {
    if (high > 0x1f_ffff) throw malformed('a 64-bit number above 2^53', this.at - 8);
    return high * 0x1_0000_0000 + low;
  }

  f64(): number {
    this.#need(8);
    for (let i = 0; i < 8; i++) SCRATCH_BYTES[i] = this.bytes[this.at + i] as number;
    this.at += 8;
    return SCRATCH.getFloat64(0, true);
  }

  uvarint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw malformed('a varint above 2^53', this.at);
        return value;
      }
      scale *= 128;
    }
    throw malformed('a varint longer than 8 bytes', this.at);
  }

  zigzag(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view of the next `count` bytes. */
  raw(count: number): Uint8Array {
    this.#need(count);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  skip(count: number): void {
    this.#need(count);
    this.at += count;
  }

  lengthPrefixed(): Uint8Array {
    return this.raw(this.uvarint());
  }

  text(): string {
    const at = this.at;
    const raw = this.lengthPrefixed();
    try {
      return DECODER.decode(raw);
    } catch (cause) {
      throw malformed('text that is not UTF-8', at, cause);
    }
  }

  /** A count of things that take at least `bytesEach` bytes: refuses counts that what is left cannot hold. */
  count(bytesEach = 1): number {
    const at = this.at;
    const count = this.uvarint();
    if (count * bytesEach > this.end - this.at) throw malformed(`a count of ${count} that cannot fit`, at);
    return count;
  }
}

function malformed(what: string, at: number, cause?: unknown): TidemarkError {
  return new TidemarkError('BYTES_MALFORMED', `malformed bytes: ${what} at ${at}`, { at }, cause);
}
