import { TidemarkError } from '@tidemark/base';

// Reads Kafka's protocol types (wire-writer.ts). Every read checks the end, every count what is left: an answer that is cut
// short or absurd is LOG_PROTOCOL, never a wrong value or a large allocation.

const TWO_POW_32 = 0x1_0000_0000;

export class WireReader {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  #take(count: number): number {
    const { at } = this;
    if (count < 0 || count > this.end - at) throw malformed(`${count} bytes asked for, ${this.end - at} left`, at);
    this.at = at + count;
    return at;
  }

  i8(): number {
    return this.bytes.readInt8(this.#take(1));
  }

  bool(): boolean {
    return this.i8() !== 0;
  }

  i16(): number {
    return this.bytes.readInt16BE(this.#take(2));
  }

  i32(): number {
    return this.bytes.readInt32BE(this.#take(4));
  }

  u32(): number {
    return this.bytes.readUInt32BE(this.#take(4));
  }

  /** Refuses what a double cannot hold exactly. */
  i64(): number {
    const at = this.#take(8);
    const value = this.bytes.readInt32BE(at) * TWO_POW_32 + this.bytes.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw malformed('a 64-bit number beyond 2^53', at);
    return value;
  }

  /** As it is, whatever it means: for ids that are only handed back. */
  i64Bits(): bigint {
    return this.bytes.readBigInt64BE(this.#take(8));
  }

  /** At most five bytes, and below 2^31. */
  uvarint(): number {
    const { at } = this;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.#take(1)] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80 && value < 2 ** 31) return value;
    }
    throw malformed('a variable-length number beyond 2^31', at);
  }

  string(): string {
    const { at } = this;
    const value = this.nullableString();
    if (value === null) throw malformed('null where a string must be', at);
    return value;
  }

  nullableString(): string | null {
    const length = this.i16();
    if (length === -1) return null;
    const at = this.#take(length);
    return this.bytes.toString('utf8', at, at + length);
  }

  /** A view; null for a length of -1. */
  lengthPrefixed(): Buffer | null {
    const length = this.i32();
    return length === -1 ? null : this.raw(length);
  }

  /** Items that take at least `bytesEach` bytes each; null reads as none. */
  array<T>(read: () => T, bytesEach = 1): T[] {
    const { at } = this;
    const count = this.i32();
    if (count === -1) return [];
    if (count < 0 || count * bytesEach > this.left) throw malformed(`a count of ${count} that cannot fit`, at);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  /** Of the compact encoding: length + 1 before it; never null. */
  compactString(): string {
    const at = this.at;
    const length = this.uvarint() - 1;
    if (length < 0) throw malformed('null where a string must be', at);
    const start = this.#take(length);
    return this.bytes.toString('utf8', start, start + length);
  }

  /** Of the compact encoding: items that take at least `bytesEach` bytes each; null reads as none. */
  compactArray<T>(read: () => T, bytesEach = 1): T[] {
    const { at } = this;
    const count = this.uvarint() - 1;
    if (count * bytesEach > this.left) throw malformed(`a count of ${count} that cannot fit`, at);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  /** A view of the next `count` bytes. */
  raw(count: number): Buffer {
    const at = this.#take(count);
    return this.bytes.subarray(at, at + count);
  }
}

function malformed(what: string, at: number): TidemarkError {
  return new TidemarkError('LOG_PROTOCOL', `a broker's answer is malformed: ${what} at byte ${at}`, { at });
}
