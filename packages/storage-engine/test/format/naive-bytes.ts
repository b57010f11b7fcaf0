// docs/format/README.md, Notation, read as it is written. Nothing of the product: a page that errs as the product does is found out.

export class NaiveBytes {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  raw(count: number): Buffer {
    if (count > this.left) throw new Error(`${count} bytes at ${this.at}, ${this.left} are left`);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  u8(): number {
    return this.raw(1).readUInt8();
  }

  u32(): number {
    return this.raw(4).readUInt32LE();
  }

  u64(): number {
    return Number(this.raw(8).readBigUInt64LE());
  }

  f64(): number {
    return this.raw(8).readDoubleLE();
  }

  uvarint(): number {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(value);
    }
  }

  zigzag(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  lengthPrefixed(): Buffer {
    return this.raw(this.uvarint());
  }

  text(): string {
    return this.lengthPrefixed().toString('utf8');
  }

  many<T>(read: () => T): T[] {
    return Array.from({ length: this.uvarint() }, read);
  }
}

/** CRC-32C, a bit at a time. */
export function naiveCrc(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** Bits from the low end of each byte. */
export class NaiveBits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(count: number): bigint {
    let value = 0n;
    for (let i = 0n; i < BigInt(count); i++, this.#at++) {
      const bit = ((this.#bytes[this.#at >> 3] as number) >> (this.#at & 7)) & 1;
      value |= BigInt(bit) << i;
    }
    return value;
  }
}
