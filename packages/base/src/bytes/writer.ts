// Grows a buffer; the partner of reader.ts. Fixed-width integers are little-endian unless the name says `be`.
//
//   uvarint := 7 bits a byte, low group first, high bit set on all but the last (protobuf's and LevelDB's varint)
//   zigzag  := uvarint of (n << 1) ^ (n >> 63), so small negatives stay short
//   bytes   := uvarint length, then the bytes

const ENCODER = new TextEncoder();
const SCRATCH = new DataView(new ArrayBuffer(8));
const SCRATCH_BYTES = new Uint8Array(SCRATCH.buffer);

export class ByteWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `more` bytes. Call it before writing to `bytes` directly. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    const { bytes, length } = this;
    bytes[length] = value;
    bytes[length + 1] = value >>> 8;
    bytes[length + 2] = value >>> 16;
    bytes[length + 3] = value >>> 24;
    this.length = length + 4;
  }

  u32be(value: number): void {
    this.reserve(4);
    const { bytes, length } = this;
    bytes[length] = value >>> 24;
    bytes[length + 1] = value >>> 16;
    bytes[length + 2] = value >>> 8;
    bytes[length + 3] = value;
    this.length = length + 4;
  }

  /** An unsigned whole number up to 2^53. */
  u64(value: number): void {
    this.u32(value >>> 0);
    this.u32(Math.floor(value / 0x1_0000_0000));
  }

  u64be(value: number): void {
    this.u32be(Math.floor(value / 0x1_0000_0000));
    this.u32be(value >>> 0);
  }

  /** IEEE 754 bits as they are, NaN payloads included. */
  f64(value: number): void {
    this.reserve(8);
    SCRATCH.setFloat64(0, value, true);
    this.bytes.set(SCRATCH_BYTES, this.length);
    this.length += 8;
  }

  /** A whole number in [0, 2^53]. */
  uvarint(value: number): void {
    this.reserve(8);
    let rest = value;
    let at = this.length;
    while (rest >= 0x1000_0000) {
      this.bytes[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 0x80) {
      this.bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[at++] = rest;
    this.length = at;
  }

  /** A whole number in [-2^52, 2^52]. */
  zigzag(value: number): void {
    this.uvarint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  raw(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /** Length first, then the bytes. */
  lengthPrefixed(source: Uint8Array): void {
    this.uvarint(source.length);
    this.raw(source);
  }

  /** UTF-8, length first. */
  text(value: string): void {
    this.lengthPrefixed(ENCODER.encode(value));
  }

  /** What was written so far; a view, valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  reset(): void {
    this.length = 0;
  }
}
