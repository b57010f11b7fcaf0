// Kafka's protocol types, as requests are written; the partner of wire-reader.ts. Everything is big-endian.
//
//   string, nullable string := length i16 (-1: null) | UTF-8
//   bytes, nullable bytes   := length i32 (-1: null) | bytes
//   array of T              := count i32 (-1: null) | T...
//
// Only the classic encodings: the versions asked for (see request.ts) are from before the compact ones, but for one
// (txn-offset-commit.ts), which brings uvarints.

const TWO_POW_32 = 0x1_0000_0000;

export class WireWriter {
  bytes: Buffer;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  i8(value: number): void {
    this.reserve(1);
    this.length = this.bytes.writeInt8(value, this.length);
  }

  bool(value: boolean): void {
    this.i8(value ? 1 : 0);
  }

  i16(value: number): void {
    this.reserve(2);
    this.length = this.bytes.writeInt16BE(value, this.length);
  }

  i32(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeInt32BE(value, this.length);
  }

  u32(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeUInt32BE(value, this.length);
  }

  /** A safe integer, negative ones included. */
  i64(value: number): void {
    this.i32(Math.floor(value / TWO_POW_32));
    this.u32(value - Math.floor(value / TWO_POW_32) * TWO_POW_32);
  }

  /** An id as it was read. */
  i64Bits(value: bigint): void {
    this.reserve(8);
    this.length = this.bytes.writeBigInt64BE(value, this.length);
  }

  /** Seven bits a byte, the lowest first; below 2^31. */
  uvarint(value: number): void {
    let left = value;
    for (; left > 0x7f; left >>>= 7) this.i8((((left & 0x7f) | 0x80) << 24) >> 24);
    this.i8(left);
  }

  string(value: string | null): void {
    if (value === null) {
      this.i16(-1);
      return;
    }
    const length = Buffer.byteLength(value);
    this.i16(length);
    this.reserve(length);
    this.length += this.bytes.write(value, this.length, length, 'utf8');
  }

  /** Null is a length of -1. */
  lengthPrefixed(value: Uint8Array | null): void {
    this.i32(value === null ? -1 : value.length);
    if (value !== null) this.raw(value);
  }

  array<T>(items: readonly T[] | null, write: (item: T) => void): void {
    this.i32(items === null ? -1 : items.length);
    for (const item of items ?? []) write(item);
  }

  raw(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /** What was written; a view, valid until the next write. */
  view(): Buffer {
    return this.bytes.subarray(0, this.length);
  }
}
