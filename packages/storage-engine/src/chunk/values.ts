import type { ByteReader, ByteWriter } from '@tidemark/base';
import { wordsOf } from '@tidemark/model';
import { makePlan, planPacked, rangeWidth, readLastPacked, readPacked, writePacked } from '../bits/packed-integers.ts';
import { storageError } from '../errors.ts';
import {
  CHUNK_SAMPLES_MAX,
  VALUES_CONSTANT,
  VALUES_CONSTANT_DECIMAL,
  VALUES_DECIMAL,
  VALUES_DECIMAL_DELTA,
  VALUES_PLAIN,
  VALUES_XOR,
} from './encoding.ts';
import { readXor, writeXor } from './xor.ts';

// Values of a chunk, bit for bit: NaN payloads, -0 and infinities are data.
//
//   VALUES_CONSTANT       f64                                          all have the same bits
//   VALUES_DECIMAL        exponent u8 | packed mantissas               value = mantissa / 10^exponent
//   VALUES_DECIMAL_DELTA  exponent u8 | first zigzag | packed steps    mantissas by their steps: counters
//   VALUES_XOR            xor.ts                                       anything else
//   VALUES_PLAIN          f64 each                                     where even that is longer
//   VALUES_CONSTANT_DECIMAL  exponent u8 | mantissa zigzag             all the same, and decimal
//
// A column is decimal when every value is the double nearest to mantissa / 10^exponent, which the writer checks by doing
// the reader's division: IEEE division rounds correctly, so the reader gets the same bits. Mantissas stay below 2^50, so that
// steps between them and their zigzags are exact. -0 and NaN have no mantissa.

const MANTISSA_MAX = 2 ** 50;
// Its zigzag is six bytes at most: with the exponent one less than the double.
const SHORT_MANTISSA = 2 ** 41;
const EXPONENT_MAX = 15;
const POWERS = Array.from({ length: EXPONENT_MAX + 1 }, (_, i) => 10 ** i);

const mantissas = new Float64Array(CHUNK_SAMPLES_MAX);
const steps = new Float64Array(CHUNK_SAMPLES_MAX);
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
  if (writer.length - at <= 1 + 8 * count) return;
  writer.length = at;
  writer.u8(VALUES_PLAIN);
  writeWords(writer, words, start, count);
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
    default:
      throw storageError('CHUNK_MALFORMED', `no value encoding has the number ${encoding}`, { encoding });
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
  for (let i = 0; i < count; i++) {
    const value = values[start + i] as number;
    // A value exact at one exponent is exact at every greater one, so those before need no second look at exactness.
    while (!isDecimal(value, POWERS[exponent] as number)) if (++exponent > EXPONENT_MAX) return -1;
  }
  const power = POWERS[exponent] as number;
  for (let i = 0; i < count; i++) {
    const mantissa = Math.round((values[start + i] as number) * power);
    if (!(mantissa < MANTISSA_MAX && mantissa > -MANTISSA_MAX)) return -1;
    if (mantissa / power !== values[start + i]) return -1;
    mantissas[i] = mantissa;
  }
  return exponent;
}

function isDecimal(value: number, power: number): boolean {
  const mantissa = Math.round(value * power);
  return mantissa / power === value && (value !== 0 || 1 / value > 0);
}

function writeDecimal(writer: ByteWriter, exponent: number, count: number): void {
  for (let i = 1; i < count; i++) steps[i - 1] = (mantissas[i] as number) - (mantissas[i - 1] as number);
  const narrower = rangeWidth(steps, count - 1) - rangeWidth(mantissas, count);
  // Three bits apart nothing that a plan finds turns it round; a reset or a jump is as wide in both.
  if (narrower < 3) planPacked(steps, count - 1, stepPlan);
  if (narrower > -3) planPacked(mantissas, count, valuePlan);
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
