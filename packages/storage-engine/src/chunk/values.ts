import type { ByteReader, ByteWriter } from '@tidemark/base';
import { wordsOf } from '@tidemark/model';
import {
  makePlan,
  planBetween,
  planPacked,
  readLastPacked,
  readPacked,
  skipPacked,
  widthOf,
  writePacked,
} from '../bits/packed-integers.ts';
import { storageError } from '../errors.ts';
import {
  CHUNK_SAMPLES_MAX,
  VALUES_CONSTANT,
  VALUES_CONSTANT_DECIMAL,
  VALUES_DECIMAL,
  VALUES_DECIMAL_DELTA,
  VALUES_NEAR,
  VALUES_PLAIN,
  VALUES_XOR,
} from './encoding.ts';
import { addUlps, ulpsBehind } from './ulps.ts';
import { readXor, writeXor } from './xor.ts';

// Values of a chunk, bit for bit: NaN payloads, -0 and infinities are data.
//
//   VALUES_CONSTANT       f64                                          all have the same bits
//   VALUES_DECIMAL        exponent u8 | packed mantissas               value = mantissa / 10^exponent
//   VALUES_DECIMAL_DELTA  exponent u8 | first zigzag | packed steps    mantissas by their steps: counters
//   VALUES_XOR            xor.ts                                       anything else
//   VALUES_PLAIN          f64 each                                     where even that is longer
//   VALUES_CONSTANT_DECIMAL  exponent u8 | mantissa zigzag             all the same, and decimal
//   VALUES_NEAR           packed distances | a decimal column          decimal but for the last bits: so many doubles behind it,
//                                                                      where that is shorter than its xor
//
// A column is decimal when every value is the double nearest to mantissa / 10^exponent, which the writer checks by doing
// the reader's division: IEEE division rounds correctly, so the reader gets the same bits. Mantissas stay below 2^50, so that
// steps between them and their zigzags are exact. -0 and NaN have no mantissa.

const MANTISSA_MAX = 2 ** 50;
// Its zigzag is six bytes at most: with the exponent one less than the double.
const SHORT_MANTISSA = 2 ** 41;
const EXPONENT_MAX = 15;
// Two operations on a decimal err by about as much; of more nothing is won.
const ULPS_MAX = 4;
// A few values are soon encoded again with others: not worth two tries.
const NEAR_MIN = 64;
const POWERS = Array.from({ length: EXPONENT_MAX + 1 }, (_, i) => 10 ** i);

const mantissas = new Float64Array(CHUNK_SAMPLES_MAX);
const steps = new Float64Array(CHUNK_SAMPLES_MAX);
const distances = new Float64Array(CHUNK_SAMPLES_MAX);
const all = new Float64Array(CHUNK_SAMPLES_MAX);
const allWords = wordsOf(all);
const valuePlan = makePlan();
const stepPlan = makePlan();

/** Writes `values[start, start + count)`. `words` is a u32 view of the same values. */
export function writeValues(
  writer: ByteWriter,
  values: Float64Array,
  words: Uint32Array,
  start: number,
  count: number,
): void {
  if (isConstant(words, start, count)) {
    writeConstant(writer, values, words, start);
    return;
  }
  const exponent = decimalExponent(values, start, count);
  if (exponent >= 0) {
    writeDecimal(writer, exponent, count);
    return;
  }
  const at = writer.length;
  writer.u8(VALUES_XOR);
  writeXor(writer, words, start, count);
  if (writer.length - at > 1 + 8 * count) {
    writer.length = at;
    writer.u8(VALUES_PLAIN);
    writeWords(writer, words, start, count);
  }
  if (count < NEAR_MIN) return;
  const end = writer.length;
  if (writeNear(writer, values, words, start, count) && writer.length - end < end - at) {
    writer.bytes.copyWithin(at, end, writer.length);
    writer.length -= end - at;
  } else writer.length = end;
}

/** False: they are not near to decimals, and what was written means nothing. */
function writeNear(
  writer: ByteWriter,
  values: Float64Array,
  words: Uint32Array,
  start: number,
  count: number,
): boolean {
  const exponent = nearExponent(values, words, start, count);
  if (exponent < 0) return false;
  writer.u8(VALUES_NEAR);
  planPacked(distances, count, valuePlan);
  writePacked(writer, distances, count, valuePlan);
  writeDecimal(writer, exponent, count);
  return true;
}

/** The least exponent that found all values near to decimals: their mantissas in `mantissas`, how far in `distances`; or -1. */
function nearExponent(values: Float64Array, words: Uint32Array, start: number, count: number): number {
  let exponent = 0;
  for (let i = start; i < start + count; i++) {
    while (!isNear(values[i] as number, words, i, POWERS[exponent] as number)) if (++exponent > EXPONENT_MAX) return -1;
  }
  const power = POWERS[exponent] as number;
  for (let i = 0; i < count; i++) {
    // Those before the exponent grew need a second look.
    if (!isNear(values[start + i] as number, words, start + i, power)) return -1;
    const mantissa = Math.round((values[start + i] as number) * power);
    mantissas[i] = mantissa;
    distances[i] = ulpsBehind(words, start + i, mantissa / power);
  }
  return exponent;
}

function isNear(value: number, words: Uint32Array, at: number, power: number): boolean {
  const mantissa = Math.round(value * power);
  if (!(mantissa < MANTISSA_MAX && mantissa > -MANTISSA_MAX)) return false;
  // A mantissa of 0 is that of the 0 that is not below: -0 and what is right below it are far from everything.
  if (mantissa === 0 && !(1 / value > 0)) return false;
  return Math.abs(ulpsBehind(words, at, mantissa / power)) <= ULPS_MAX;
}

/** Fills `into[at, at + count)`; `words` is a u32 view of `into`. The number of the encoding was read already. */
export function readValues(
  reader: ByteReader,
  encoding: number,
  into: Float64Array,
  words: Uint32Array,
  at: number,
  count: number,
): void {
  switch (encoding) {
    case VALUES_CONSTANT:
      readWords(reader, words, at, 1);
      repeat(words, at, count);
      return;
    case VALUES_CONSTANT_DECIMAL: {
      const power = readPower(reader);
      into[at] = reader.zigzag() / power;
      repeat(words, at, count);
      return;
    }
    case VALUES_DECIMAL: {
      const power = readPower(reader);
      readPacked(reader, mantissas, count);
      for (let i = 0; i < count; i++) into[at + i] = (mantissas[i] as number) / power;
      return;
    }
    case VALUES_DECIMAL_DELTA: {
      const power = readPower(reader);
      let mantissa = reader.zigzag();
      into[at] = mantissa / power;
      readPacked(reader, steps, count - 1);
      for (let i = 1; i < count; i++) {
        mantissa += steps[i - 1] as number;
        into[at + i] = mantissa / power;
      }
      return;
    }
    case VALUES_XOR:
      readXor(reader, words, at, count);
      return;
    case VALUES_PLAIN:
      readWords(reader, words, at, count);
      return;
    case VALUES_NEAR:
      readPacked(reader, distances, count);
      readValues(reader, readDecimalEncoding(reader), into, words, at, count);
      addUlps(words, at, count, distances);
      return;
    default:
      throw noEncoding(encoding);
  }
}

function noEncoding(encoding: number): Error {
  return storageError('CHUNK_MALFORMED', `no value encoding has the number ${encoding}`, { encoding });
}

/** Goes past what `readValues` would read. */
export function skipValues(reader: ByteReader, encoding: number, count: number): void {
  switch (encoding) {
    case VALUES_CONSTANT:
      reader.raw(8);
      return;
    case VALUES_CONSTANT_DECIMAL:
      readPower(reader);
      reader.zigzag();
      return;
    case VALUES_DECIMAL:
      readPower(reader);
      skipPacked(reader, count);
      return;
    case VALUES_DECIMAL_DELTA:
      readPower(reader);
      reader.zigzag();
      skipPacked(reader, count - 1);
      return;
    case VALUES_XOR:
      reader.raw(reader.u32());
      return;
    case VALUES_PLAIN:
      reader.raw(count * 8);
      return;
    case VALUES_NEAR:
      skipPacked(reader, count);
      skipValues(reader, readDecimalEncoding(reader), count);
      return;
    default:
      throw noEncoding(encoding);
  }
}

/** Puts the last of `count` values into `into[0]`; as `readValues` otherwise. */
export function readLastValue(
  reader: ByteReader,
  encoding: number,
  into: Float64Array,
  words: Uint32Array,
  count: number,
): void {
  switch (encoding) {
    case VALUES_CONSTANT:
    case VALUES_CONSTANT_DECIMAL:
      readValues(reader, encoding, into, words, 0, 1);
      return;
    case VALUES_DECIMAL: {
      const power = readPower(reader);
      into[0] = readLastPacked(reader, count) / power;
      return;
    }
    case VALUES_DECIMAL_DELTA: {
      const power = readPower(reader);
      let mantissa = reader.zigzag();
      readPacked(reader, steps, count - 1);
      for (let i = 1; i < count; i++) mantissa += steps[i - 1] as number;
      into[0] = mantissa / power;
      return;
    }
    case VALUES_PLAIN:
      reader.raw((count - 1) * 8);
      readWords(reader, words, 0, 1);
      return;
    default:
      readValues(reader, encoding, all, allWords, 0, count);
      words[0] = allWords[count * 2 - 2] as number;
      words[1] = allWords[count * 2 - 1] as number;
  }
}

/** A decimal takes three bytes or four where the double takes eight; near the cap it takes as many. */
function writeConstant(writer: ByteWriter, values: Float64Array, words: Uint32Array, start: number): void {
  const exponent = decimalExponent(values, start, 1);
  if (exponent >= 0 && Math.abs(mantissas[0] as number) < SHORT_MANTISSA) {
    writer.u8(VALUES_CONSTANT_DECIMAL);
    writer.u8(exponent);
    writer.zigzag(mantissas[0] as number);
    return;
  }
  writer.u8(VALUES_CONSTANT);
  writeWords(writer, words, start, 1);
}

/** Puts the value at `at` into the `count - 1` places after it. */
function repeat(words: Uint32Array, at: number, count: number): void {
  for (let i = 1; i < count; i++) {
    words[(at + i) * 2] = words[at * 2] as number;
    words[(at + i) * 2 + 1] = words[at * 2 + 1] as number;
  }
}

function isConstant(words: Uint32Array, start: number, count: number): boolean {
  const low = words[start * 2];
  const high = words[start * 2 + 1];
  for (let i = start + 1; i < start + count; i++) {
    if (words[i * 2] !== low || words[i * 2 + 1] !== high) return false;
  }
  return true;
}

/** The least exponent that makes all values decimal, with their mantissas in `mantissas`; -1 when there is none. */
function decimalExponent(values: Float64Array, start: number, count: number): number {
  let exponent = 0;
  let power = 1;
  let before = 0;
  for (let i = 0; i < count; i++) {
    const value = values[start + i] as number;
    let mantissa = Math.round(value * power);
    while (mantissa / power !== value) {
      if (++exponent > EXPONENT_MAX) return -1;
      power = POWERS[exponent] as number;
      mantissa = Math.round(value * power);
      before = i;
    }
    if (!(mantissa < MANTISSA_MAX && mantissa > -MANTISSA_MAX) || (value === 0 && 1 / value < 0)) return -1;
    mantissas[i] = mantissa;
  }
  // Those before the exponent grew the last time have another mantissa by now.
  for (let i = 0; i < before; i++) {
    const mantissa = Math.round((values[start + i] as number) * power);
    if (!(mantissa < MANTISSA_MAX && mantissa > -MANTISSA_MAX) || mantissa / power !== values[start + i]) return -1;
    mantissas[i] = mantissa;
  }
  return exponent;
}

function writeDecimal(writer: ByteWriter, exponent: number, count: number): void {
  let last = mantissas[0] as number;
  let least = last;
  let most = last;
  let leastStep = Number.POSITIVE_INFINITY;
  let mostStep = Number.NEGATIVE_INFINITY;
  for (let i = 1; i < count; i++) {
    const mantissa = mantissas[i] as number;
    const step = mantissa - last;
    steps[i - 1] = step;
    last = mantissa;
    if (mantissa < least) least = mantissa;
    if (mantissa > most) most = mantissa;
    if (step < leastStep) leastStep = step;
    if (step > mostStep) mostStep = step;
  }
  const narrower = widthOf(mostStep - leastStep) - widthOf(most - least);
  // Three bits apart nothing that a plan finds turns it round; a reset or a jump is as wide in both.
  if (narrower < 3) planBetween(steps, count - 1, leastStep, mostStep, stepPlan);
  if (narrower > -3) planBetween(mantissas, count, least, most, valuePlan);
  if (narrower <= -3 || (narrower < 3 && stepPlan.bits < valuePlan.bits)) {
    writer.u8(VALUES_DECIMAL_DELTA);
    writer.u8(exponent);
    writer.zigzag(mantissas[0] as number);
    writePacked(writer, steps, count - 1, stepPlan);
    return;
  }
  writer.u8(VALUES_DECIMAL);
  writer.u8(exponent);
  writePacked(writer, mantissas, count, valuePlan);
}

function readDecimalEncoding(reader: ByteReader): number {
  const encoding = reader.u8();
  if (encoding === VALUES_DECIMAL || encoding === VALUES_DECIMAL_DELTA) return encoding;
  throw storageError('CHUNK_MALFORMED', `values near to those of encoding ${encoding}`, { encoding });
}

function readPower(reader: ByteReader): number {
  const exponent = reader.u8();
  const power = POWERS[exponent];
  if (power === undefined) throw storageError('CHUNK_MALFORMED', `an exponent of ${exponent}`, { exponent });
  return power;
}

function writeWords(writer: ByteWriter, words: Uint32Array, start: number, count: number): void {
  for (let i = start * 2; i < (start + count) * 2; i++) writer.u32(words[i] as number);
}

function readWords(reader: ByteReader, words: Uint32Array, at: number, count: number): void {
  for (let i = at * 2; i < (at + count) * 2; i++) words[i] = reader.u32();
}
