import type { Field } from './naive-request.ts';

// The oracle's histograms: read the obvious way, with whole numbers of any size, and no code of the product.

export interface NaiveHistogram {
  readonly timestampMs: number;
  /** Everything but the time. */
  readonly text: string;
}

const MAX = 2n ** 53n - 1n;
const STALE = 0x7ff0000000000002n;
const HINTS = ['unknown', 'reset', 'no reset', 'gauge'];

class Refused extends Error {}

function refuseIf(wrong: boolean): void {
  if (wrong) throw new Refused();
}

/** Undefined where it is malformed, or not to be let in. */
export function naiveHistogram(
  fieldsOf: (message: Uint8Array) => Field[],
  message: Uint8Array,
): NaiveHistogram | undefined {
  try {
    return new Reader(fieldsOf, fieldsOf(message)).read();
  } catch (error) {
    if (error instanceof Refused || error instanceof RangeError) return undefined;
    throw error;
  }
}

class Reader {
  readonly #fieldsOf: (message: Uint8Array) => Field[];
  readonly #fields: Field[];

  constructor(fieldsOf: (message: Uint8Array) => Field[], fields: Field[]) {
    this.#fieldsOf = fieldsOf;
    this.#fields = fields;
  }

  read(): NaiveHistogram {
    const kind = this.#fields.findLast(({ number }) => number === 1 || number === 2);
    const isFloat = kind?.number === 2;
    for (const [number, wire] of [
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 0],
      [5, 1],
      [6, 0],
      [7, 1],
      [14, 0],
      [15, 0],
    ] as const) {
      this.#all(number, wire);
    }
    const count = kind === undefined ? 0n : isFloat ? float(kind.bytes) : kind.varint;
    const zero = this.#fields.findLast(({ number }) => number === 6 || number === 7);
    const zeroCount = zero === undefined ? 0 : zero.number === 7 ? float(zero.bytes) : Number(zero.varint);
    const sumBits = bits(this.#all(3, 1).at(-1)?.bytes);
    const threshold = float(this.#all(5, 1).at(-1)?.bytes);
    const schema = unzigzag(this.#all(4, 0).at(-1)?.varint ?? 0n);
    const positive = this.#side(11, isFloat);
    const negative = this.#side(8, isFloat);
    const bounds = this.#many(16, 1).map((bytes) => float(bytes as Uint8Array));
    this.#many(9, 0);
    this.#many(12, 0);
    this.#many(10, 1);
    this.#many(13, 1);
    checkCounts(isFloat, count, zeroCount, sumBits, [...positive.counts, ...negative.counts]);
    checkBounds(schema, bounds, positive, negative, Number(zeroCount), threshold);
    const time = BigInt.asIntN(64, this.#all(15, 0).at(-1)?.varint ?? 0n);
    const hint = HINTS[Number(this.#all(14, 0).at(-1)?.varint ?? 0n)] ?? 'unknown';
    const numbers = [schema, Number(threshold), Number(count), Number(zeroCount)].join();
    const text = [hint, isFloat, numbers, sumBits, buckets(positive), buckets(negative), bounds.join()].join('|');
    return { timestampMs: Number(time), text };
  }

  #all(number: number, wire: number): Field[] {
    const found = this.#fields.filter((field) => field.number === number);
    refuseIf(found.some((field) => field.wire !== wire));
    return found;
  }

  /** Packed or not; of wire 0 numbers, of wire 1 eight bytes each. */
  #many(number: number, wire: 0 | 1): (bigint | Uint8Array)[] {
    return this.#fields
      .filter((field) => field.number === number)
      .flatMap((field): (bigint | Uint8Array)[] => {
        if (field.wire === wire) return [wire === 0 ? field.varint : field.bytes];
        refuseIf(field.wire !== 2);
        return wire === 0 ? varints(field.bytes) : eights(field.bytes);
      });
  }

  #side(spans: number, isFloat: boolean) {
    const all = this.#all(spans, 2).map(({ bytes }) => {
      const parts = this.#fieldsOf(bytes);
      refuseIf(parts.some(({ number, wire }) => (number === 1 || number === 2) && wire !== 0));
      const last = (number: number) => parts.findLast((part) => part.number === number)?.varint ?? 0n;
      return { gap: unzigzag(last(1)), length: Number(last(2)) };
    });
    const counts = isFloat
      ? this.#many(spans + 2, 1).map((bytes) => float(bytes as Uint8Array))
      : this.#absolute(spans + 1);
    refuseIf(all.reduce((sum, { length }) => sum + length, 0) !== counts.length);
    const indexes: number[] = [];
    let next = 0;
    for (const [i, { gap, length }] of all.entries()) {
      refuseIf(i > 0 && gap < 0);
      next += gap;
      refuseIf(Math.abs(next) > 2 ** 31 - 1 || Math.abs(next + length) > 2 ** 31 - 1);
      for (let k = 0; k < length; k++) indexes.push(next++);
    }
    return { indexes, counts, spans: all };
  }

  #absolute(number: number): number[] {
    let count = 0n;
    return this.#many(number, 0).map((raw) => {
      refuseIf((raw as bigint) > MAX);
      count += (raw as bigint) % 2n === 0n ? (raw as bigint) / 2n : -((raw as bigint) + 1n) / 2n;
      refuseIf(count < 0n || count > MAX);
      return Number(count);
    });
  }
}

type NaiveSide = {
  readonly indexes: readonly number[];
  readonly counts: readonly number[];
  readonly spans: readonly { readonly gap: number }[];
};

function checkCounts(
  isFloat: boolean,
  count: bigint | number,
  zeroCount: number,
  sumBits: bigint,
  counts: number[],
): void {
  refuseIf(counts.some((one) => one < 0) || count < 0 || zeroCount < 0);
  if (isFloat) return;
  refuseIf(BigInt(count) > MAX);
  refuseIf(!Number.isSafeInteger(zeroCount));
  const all = counts.reduce((sum, one) => sum + BigInt(one), BigInt(zeroCount));
  refuseIf(all > MAX);
  if (sumBits === STALE) return;
  const isNoNumber = (sumBits & 0x7ff0000000000000n) === 0x7ff0000000000000n && (sumBits & 0xfffffffffffffn) !== 0n;
  refuseIf(isNoNumber ? all > BigInt(count) : all !== BigInt(count));
}

function checkBounds(
  schema: number,
  bounds: readonly number[],
  positive: NaiveSide,
  negative: NaiveSide,
  zeroCount: number,
  threshold: number,
): void {
  if (schema !== -53) {
    refuseIf(!(schema >= -4 && schema <= 8) || bounds.length > 0 || !(threshold >= 0));
    return;
  }
  refuseIf(negative.counts.length > 0 || zeroCount !== 0 || threshold !== 0);
  for (const [i, bound] of bounds.entries()) {
    refuseIf(!Number.isFinite(bound) || (i > 0 && !(bound > (bounds[i - 1] as number))));
  }
  let next = 0;
  for (const { gap, length } of positive.spans as { gap: number; length: number }[]) {
    refuseIf(next + gap < 0);
    next += gap + length;
  }
  refuseIf(next > bounds.length + 1);
}

function buckets({ indexes, counts }: NaiveSide): string {
  return indexes.map((index, i) => `${index}:${counts[i]}`).join(' ');
}

function unzigzag(raw: bigint): number {
  return raw > MAX ? Number.POSITIVE_INFINITY : Number(raw % 2n === 0n ? raw / 2n : -(raw + 1n) / 2n);
}

function bits(bytes: Uint8Array | undefined): bigint {
  return bytes ? new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true) : 0n;
}

function float(bytes: Uint8Array | undefined): number {
  return bytes ? new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true) : 0;
}

function varints(bytes: Uint8Array): bigint[] {
  const values: bigint[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    refuseIf(shift > 70n);
    if (byte >= 128) continue;
    values.push(BigInt.asUintN(64, value));
    value = 0n;
    shift = 0n;
  }
  refuseIf(shift > 0n);
  return values;
}

function eights(bytes: Uint8Array): Uint8Array[] {
  refuseIf(bytes.length % 8 !== 0);
  return Array.from({ length: bytes.length / 8 }, (_, i) => bytes.slice(i * 8, i * 8 + 8));
}
