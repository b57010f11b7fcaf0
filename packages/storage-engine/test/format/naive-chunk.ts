import { NaiveBits, NaiveBytes } from './naive-bytes.ts';

// docs/format/chunk.md, read as it is written.

export interface NaiveChunk {
  readonly times: readonly number[];
  readonly columns: readonly (readonly number[])[];
}

/** `shared`: the columns of times of the container. */
export function naiveChunk(
  bytes: Uint8Array,
  columnCount: number,
  shared: readonly (readonly number[])[] = [],
): NaiveChunk {
  const reader = new NaiveBytes(bytes);
  const count = reader.uvarint();
  const times = naiveTimes(reader, count, shared);
  const columns: number[][] = [];
  for (let c = 0; c < columnCount; c++) columns.push(column(reader, count, columns));
  if (reader.left !== 0) throw new Error(`${reader.left} bytes behind a chunk`);
  return { times, columns };
}

export function naiveTimes(reader: NaiveBytes, count: number, shared: readonly (readonly number[])[]): number[] {
  const encoding = reader.u8();
  if (encoding === 3) return [...(shared[reader.uvarint()] as readonly number[])];
  const first = reader.zigzag();
  if (encoding === 1) {
    const step = reader.uvarint();
    return Array.from({ length: count }, (_, i) => first + i * step);
  }
  if (encoding !== 2) throw new Error(`times ${encoding}`);
  return steps(first, packed(reader, count - 1));
}

function column(reader: NaiveBytes, count: number, before: readonly (readonly number[])[]): number[] {
  const encoding = reader.u8();
  switch (encoding) {
    case 1:
      return new Array(count).fill(reader.f64());
    case 2: {
      const power = 10 ** reader.u8();
      return packed(reader, count).map((mantissa) => mantissa / power);
    }
    case 3: {
      const power = 10 ** reader.u8();
      return steps(reader.zigzag(), packed(reader, count - 1)).map((mantissa) => mantissa / power);
    }
    case 4:
      return xor(new NaiveBytes(reader.raw(reader.u32())), count);
    case 5:
      return Array.from({ length: count }, () => reader.f64());
    case 6: {
      const power = 10 ** reader.u8();
      return new Array(count).fill(reader.zigzag() / power);
    }
    case 8: {
      const further = packed(reader, count);
      return column(reader, count, before).map((value, i) => doublesFurther(value, further[i] as number));
    }
    case 7:
      return [...(before[reader.u8()] as readonly number[])];
    default:
      throw new Error(`column ${encoding}`);
  }
}

function doublesFurther(value: number, further: number): number {
  const word = Buffer.alloc(8);
  word.writeDoubleLE(value);
  word.writeBigUInt64LE(word.readBigUInt64LE() + BigInt(further));
  return word.readDoubleLE();
}

function steps(first: number, distances: readonly number[]): number[] {
  const all = [first];
  for (const distance of distances) all.push((all.at(-1) as number) + distance);
  return all;
}

function packed(reader: NaiveBytes, count: number): number[] {
  const header = reader.u8();
  const width = header & 0x3f;
  const shift = reader.u8();
  const base = reader.zigzag();
  const high = new Map<number, number>();
  let index = 0;
  for (const [distance, above] of reader.many(() => [reader.uvarint(), reader.uvarint()] as const)) {
    index += distance;
    high.set(index, above);
  }
  const bits = new NaiveBits(reader.raw(Math.ceil((width * count) / 8)));
  return Array.from({ length: count }, (_, i) => {
    const residual = (Number(bits.read(width)) + (high.get(i) ?? 0) * 2 ** width) * 2 ** shift;
    if (!(header & 0x40)) return base + residual;
    return base + (residual % 2 === 0 ? residual / 2 : -(residual + 1) / 2);
  });
}

function xor(reader: NaiveBytes, count: number): number[] {
  const word = Buffer.alloc(8);
  let last = reader.raw(8).readBigUInt64LE();
  const bits = new NaiveBits(reader.raw(reader.left));
  const values: number[] = [];
  let leading = 0;
  let length = 0;
  for (let i = 0; i < count; i++) {
    if (i > 0 && bits.read(1) === 1n) {
      if (bits.read(1) === 1n) {
        leading = Number(bits.read(6));
        length = Number(bits.read(6)) + 1;
      }
      last ^= bits.read(length) << BigInt(64 - leading - length);
    }
    word.writeBigUInt64LE(last);
    values.push(word.readDoubleLE());
  }
  return values;
}
