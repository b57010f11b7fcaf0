import type { ByteReader, ByteWriter } from '@tidemark/base';
import { assert } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { BITS_AT_ONCE } from './bit-writer.ts';

// Whole numbers, packed as tightly as most of them allow; the few that don't fit stand aside.
//
//   packed := header u8 | shift u8 | base zigzag | exceptions uvarint | exception* | bits
//   header    bits 0-5: width of a packed number, 0..53; bit 6: residuals are zigzagged around the base
//   residual  number - base (not negative: base is the least), or zigzag(number - base); then divided by 2^shift
//   exception index uvarint (distance from the exception before) | high uvarint: what of the residual is above `width`
//   bits      low `width` bits of every residual, first residual first, from the low end of each byte
//
// Exceptions are for a counter's reset or a missed scrape: one number out of 120 must not widen the other 119. The shift is
// for values that are multiples of a page or a kilobyte. Numbers must be in [-2^51, 2^51], so that a zigzag stays exact.

const WIDTH_MAX = 53;
const ZIGZAG = 0x40;
// An exception costs about a byte of index and, beside its high bits, a varint's waste.
const EXCEPTION_BITS = 12;
// Of a number that is wider than what is written or read at once.
const PIECE = 2 ** BITS_AT_ONCE;
const PIECE_SCALE = 1 / PIECE;
const PIECE_MASK = PIECE - 1;
const SAMPLED = 9;
const SPREAD = SAMPLED - 1;
// A slot's worth: one more in 16 that needs its own width gains less than the search costs.
const FEW = 16;

export interface PackPlan {
  width: number;
  zigzag: boolean;
  shift: number;
  base: number;
  exceptions: number;
  /** Estimated size, bits. */
  bits: number;
}

const histogram = new Uint32Array(WIDTH_MAX + 1);
const sampled = new Float64Array(SAMPLED);
const spare: PackPlan = makePlan();

export function makePlan(): PackPlan {
  return { width: 0, zigzag: false, shift: 0, base: 0, exceptions: 0, bits: 0 };
}

/** Finds the cheapest way to pack `numbers[0, count)`; the answer is in `plan`. */
export function planPacked(numbers: Float64Array, count: number, plan: PackPlan): void {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const number = numbers[i] as number;
    if (number < least) least = number;
    if (number > most) most = number;
  }
  if (count === 0) least = most = 0;
  planBetween(numbers, count, least, most, plan);
}

/** The same for numbers of which the least and the greatest are known. */
export function planBetween(numbers: Float64Array, count: number, least: number, most: number, plan: PackPlan): void {
  plan.base = least;
  plan.zigzag = false;
  if (count <= FEW) {
    plan.shift = 0;
    plan.exceptions = 0;
    plan.width = widthOf(most - least);
    plan.bits = plan.width * count + 64;
    return;
  }
  measure(numbers, count, least, most, plan);
  // Below 3 bits nothing is to be won by a second try.
  if (widthOf(most - least) <= 3) return;
  spare.base = middle(numbers, count);
  // Where nine of them are spread over half of the range already, nothing narrower holds most.
  if (((sampled[SPREAD] as number) - (sampled[0] as number)) * 2 > most - least) return;
  spare.zigzag = true;
  measure(numbers, count, least, most, spare);
  if (spare.bits < plan.bits) {
    plan.base = spare.base;
    plan.zigzag = true;
    plan.shift = spare.shift;
    plan.width = spare.width;
    plan.exceptions = spare.exceptions;
    plan.bits = spare.bits;
  }
}

export function writePacked(writer: ByteWriter, numbers: Float64Array, count: number, plan: PackPlan): void {
  const { width, zigzag, base, shift, exceptions } = plan;
  const divisor = 2 ** shift;
  const limit = 2 ** width;
  writer.u8(width | (zigzag ? ZIGZAG : 0));
  writer.u8(shift);
  writer.zigzag(base);
  writer.uvarint(exceptions);
  if (exceptions > 0) {
    let last = 0;
    for (let i = 0; i < count; i++) {
      const rest = residual((numbers[i] as number) - base, zigzag) / divisor;
      if (rest < limit) continue;
      writer.uvarint(i - last);
      writer.uvarint(Math.floor(rest / limit));
      last = i;
    }
  }
  if (width === 0) return;
  if (width <= BITS_AT_ONCE) writeNarrow(writer, numbers, count, plan);
  else writeWide(writer, numbers, count, plan);
}

/** The usual case, without a call per number. What is above `width` bits of an exception stands aside: the low ones are here. */
function writeNarrow(writer: ByteWriter, numbers: Float64Array, count: number, plan: PackPlan): void {
  const { width, zigzag, base } = plan;
  const scale = 1 / 2 ** plan.shift;
  const mask = (1 << width) - 1;
  writer.reserve(((width * count) >>> 3) + 8);
  const { bytes } = writer;
  let at = writer.length;
  let waiting = 0;
  let waitingBits = 0;
  for (let i = 0; i < count; i++) {
    const difference = (numbers[i] as number) - base;
    const rest = (zigzag ? (difference >= 0 ? difference * 2 : -difference * 2 - 1) : difference) * scale;
    waiting |= (rest & mask) << waitingBits;
    waitingBits += width;
    while (waitingBits >= 8) {
      bytes[at++] = waiting;
      waiting >>>= 8;
      waitingBits -= 8;
    }
  }
  if (waitingBits > 0) bytes[at++] = waiting;
  writer.length = at;
}

/** More than 24 bits each, in pieces of 24. */
function writeWide(writer: ByteWriter, numbers: Float64Array, count: number, plan: PackPlan): void {
  const { width, zigzag, base } = plan;
  const scale = 1 / 2 ** plan.shift;
  const limit = 2 ** width;
  writer.reserve(Math.ceil((width * count) / 8) + 8);
  const { bytes } = writer;
  let at = writer.length;
  let waiting = 0;
  let waitingBits = 0;
  for (let i = 0; i < count; i++) {
    const difference = (numbers[i] as number) - base;
    let rest = (zigzag ? (difference >= 0 ? difference * 2 : -difference * 2 - 1) : difference) * scale;
    if (rest >= limit) rest %= limit;
    for (let left = width; left > 0; left -= BITS_AT_ONCE) {
      waiting |= (rest & PIECE_MASK) << waitingBits;
      waitingBits += left < BITS_AT_ONCE ? left : BITS_AT_ONCE;
      rest = Math.floor(rest * PIECE_SCALE);
      while (waitingBits >= 8) {
        bytes[at++] = waiting;
        waiting >>>= 8;
        waitingBits -= 8;
      }
    }
  }
  if (waitingBits > 0) bytes[at++] = waiting;
  writer.length = at;
}

interface PackedHeader {
  width: number;
  zigzag: boolean;
  factor: number;
  base: number;
  exceptions: number;
  exceptionsAt: number;
  bitsAt: number;
  end: number;
}

// Of the column at hand: one object for all, there are many columns.
const header: PackedHeader = {
  width: 0,
  zigzag: false,
  factor: 1,
  base: 0,
  exceptions: 0,
  exceptionsAt: 0,
  bitsAt: 0,
  end: 0,
};

/** Reads to the end of the column, and says where its parts are. */
function readHeader(reader: ByteReader, count: number): void {
  const first = reader.u8();
  const width = first & 0x3f;
  const shift = reader.u8();
  if (first >= 0x80 || width > WIDTH_MAX || shift > 32) {
    throw storageError('CHUNK_MALFORMED', 'a packed column has an impossible header', { header: first, shift });
  }
  header.width = width;
  header.zigzag = (first & ZIGZAG) !== 0;
  header.factor = 2 ** shift;
  header.base = reader.zigzag();
  const exceptions = reader.count(2);
  header.exceptions = exceptions;
  header.exceptionsAt = reader.at;
  for (let i = 0; i < exceptions; i++) {
    reader.uvarint();
    reader.uvarint();
  }
  const bitBytes = Math.ceil((width * count) / 8);
  header.bitsAt = reader.at;
  header.end = reader.at + bitBytes;
  if (bitBytes > reader.left) reader.raw(bitBytes);
  reader.at = header.end;
}

/** Fills `into[0, count)`. Throws `CHUNK_MALFORMED`, `BYTES_MALFORMED`. */
export function readPacked(reader: ByteReader, into: Float64Array, count: number): void {
  readHeader(reader, count);
  const { width, zigzag, factor, base, exceptions, bitsAt, end } = header;
  if (exceptions === 0 && width > 0 && width <= BITS_AT_ONCE && (factor === 1 || !zigzag)) {
    unpackNarrow(reader.bytes, into, count, header);
    return;
  }
  unpack(reader.bytes, bitsAt, into, count, width);
  if (exceptions > 0) {
    reader.at = header.exceptionsAt;
    addExceptions(reader, into, count, exceptions, 2 ** width);
    reader.at = end;
  }
  if (!zigzag) {
    for (let i = 0; i < count; i++) into[i] = base + (into[i] as number) * factor;
    return;
  }
  for (let i = 0; i < count; i++) {
    const rest = (into[i] as number) * factor;
    into[i] = base + (rest % 2 === 0 ? rest / 2 : -(rest + 1) / 2);
  }
}

/** Goes past what `readPacked` would read. Throws `CHUNK_MALFORMED`, `BYTES_MALFORMED`. */
export function skipPacked(reader: ByteReader, count: number): void {
  readHeader(reader, count);
}

/** The last of `count` numbers, at least one. Throws as `readPacked` does. */
export function readLastPacked(reader: ByteReader, count: number): number {
  readHeader(reader, count);
  const { width, zigzag, factor, base, exceptions, bitsAt, end } = header;
  let rest = bitsOf(reader.bytes, bitsAt, (count - 1) * width, width);
  if (exceptions > 0) {
    reader.at = header.exceptionsAt;
    let at = 0;
    for (let i = 0; i < exceptions; i++) {
      at += reader.uvarint();
      const above = reader.uvarint();
      if (at >= count) throw storageError('CHUNK_MALFORMED', 'an exception beyond the column', { at, count });
      if (at === count - 1) rest += above * 2 ** width;
    }
    reader.at = end;
  }
  rest *= factor;
  if (!zigzag) return base + rest;
  return base + (rest % 2 === 0 ? rest / 2 : -(rest + 1) / 2);
}

/** `width` bits from bit `from` behind byte `start`. */
function bitsOf(bytes: Uint8Array, start: number, from: number, width: number): number {
  let value = 0;
  let scale = 1;
  let at = start + Math.floor(from / 8);
  let skipped = from % 8;
  for (let left = width; left > 0; ) {
    const taken = Math.min(8 - skipped, left);
    value += (((bytes[at++] as number) >> skipped) & ((1 << taken) - 1)) * scale;
    scale *= 2 ** taken;
    left -= taken;
    skipped = 0;
  }
  return value;
}

function addExceptions(reader: ByteReader, into: Float64Array, count: number, exceptions: number, limit: number): void {
  let at = 0;
  for (let i = 0; i < exceptions; i++) {
    at += reader.uvarint();
    if (at >= count) throw storageError('CHUNK_MALFORMED', 'an exception beyond the column', { at, count });
    into[at] = (into[at] as number) + reader.uvarint() * limit;
  }
}

/** The usual case in one pass. */
function unpackNarrow(bytes: Uint8Array, into: Float64Array, count: number, from: PackedHeader): void {
  const { width, zigzag, factor, base, bitsAt } = from;
  const mask = (1 << width) - 1;
  let waiting = 0;
  let waitingBits = 0;
  let at = bitsAt;
  if (zigzag) {
    for (let i = 0; i < count; i++) {
      while (waitingBits < width) {
        waiting |= (bytes[at++] as number) << waitingBits;
        waitingBits += 8;
      }
      const rest = waiting & mask;
      into[i] = base + ((rest >>> 1) ^ -(rest & 1));
      waiting >>>= width;
      waitingBits -= width;
    }
    return;
  }
  for (let i = 0; i < count; i++) {
    while (waitingBits < width) {
      waiting |= (bytes[at++] as number) << waitingBits;
      waitingBits += 8;
    }
    into[i] = base + (waiting & mask) * factor;
    waiting >>>= width;
    waitingBits -= width;
  }
}

function unpack(bytes: Uint8Array, start: number, into: Float64Array, count: number, width: number): void {
  if (width === 0) {
    into.fill(0, 0, count);
    return;
  }
  if (width > BITS_AT_ONCE) {
    unpackWide(bytes, start, into, count, width);
    return;
  }
  const mask = (1 << width) - 1;
  let waiting = 0;
  let waitingBits = 0;
  let at = start;
  for (let i = 0; i < count; i++) {
    while (waitingBits < width) {
      waiting |= (bytes[at++] as number) << waitingBits;
      waitingBits += 8;
    }
    into[i] = waiting & mask;
    waiting >>>= width;
    waitingBits -= width;
  }
}

/** Requires that all of them are there. */
function unpackWide(bytes: Uint8Array, start: number, into: Float64Array, count: number, width: number): void {
  let waiting = 0;
  let waitingBits = 0;
  let at = start;
  for (let i = 0; i < count; i++) {
    let value = 0;
    let scale = 1;
    for (let left = width; left > 0; left -= BITS_AT_ONCE) {
      const taken = left < BITS_AT_ONCE ? left : BITS_AT_ONCE;
      while (waitingBits < taken) {
        waiting |= (bytes[at++] as number) << waitingBits;
        waitingBits += 8;
      }
      value += (waiting & ((1 << taken) - 1)) * scale;
      scale *= PIECE;
      waiting >>>= taken;
      waitingBits -= taken;
    }
    into[i] = value;
  }
}

function residual(difference: number, zigzag: boolean): number {
  if (!zigzag) return difference;
  return difference >= 0 ? difference * 2 : -difference * 2 - 1;
}

/** Chooses shift and width for the plan's base, and estimates the bits. */
function measure(numbers: Float64Array, count: number, least: number, most: number, plan: PackPlan): void {
  const { base, zigzag } = plan;
  let low = 0;
  let widest = 0;
  if (most - least < 0x4000_0000) {
    // Twice a distance stays a small integer.
    for (let i = 0; i < count; i++) {
      const difference = (numbers[i] as number) - base;
      const rest = zigzag ? (difference << 1) ^ (difference >> 31) : difference | 0;
      low |= rest;
      const width = 32 - Math.clz32(rest);
      histogram[width] = (histogram[width] as number) + 1;
      if (width > widest) widest = width;
    }
  } else
    for (let i = 0; i < count; i++) {
      const rest = residual((numbers[i] as number) - base, zigzag);
      assert(rest < 2 ** 53, 'packed numbers stay exact');
      low |= rest;
      const width = widthOf(rest);
      histogram[width] = (histogram[width] as number) + 1;
      if (width > widest) widest = width;
    }
  // `low` holds the low 32 bits of all residuals or'ed; when they are all zero, shift by what is known: 32.
  plan.shift = low === 0 ? 0 : 31 - Math.clz32(low & -low);
  let best = Number.POSITIVE_INFINITY;
  let above = 0;
  let aboveBits = 0;
  for (let width = widest; width >= 0; width--) {
    const packedWidth = Math.max(0, width - plan.shift);
    const bits = packedWidth * count + above * EXCEPTION_BITS + (aboveBits - above * width);
    if (bits <= best) {
      best = bits;
      plan.width = packedWidth;
      plan.exceptions = above;
    }
    above += histogram[width] as number;
    aboveBits += (histogram[width] as number) * width;
    histogram[width] = 0;
  }
  plan.bits = best + 64;
}

/** Bits of a whole number, not negative. */
export function widthOf(value: number): number {
  if (value < 0x8000_0000) return 32 - Math.clz32(value);
  return value < 0x1_0000_0000 ? 32 : 64 - Math.clz32(Math.floor(value / 0x1_0000_0000));
}

/** The median of a few numbers spread over the column: near enough to the middle, and cheap. */
function middle(numbers: Float64Array, count: number): number {
  const taken = Math.min(count, SAMPLED);
  for (let i = 0; i < taken; i++) sampled[i] = numbers[Math.floor((i * count) / taken)] as number;
  for (let i = 1; i < taken; i++) {
    const value = sampled[i] as number;
    let at = i;
    while (at > 0 && (sampled[at - 1] as number) > value) {
      sampled[at] = sampled[at - 1] as number;
      at--;
    }
    sampled[at] = value;
  }
  return taken === 0 ? 0 : (sampled[taken >> 1] as number);
}
