import { isUtf8 } from 'node:buffer';
import { unreachable } from '@tidemark/base';
import { unreadable } from './errors.ts';
import type { AvroType } from './writer-schema.ts';

// Avro's binary encoding, read in place and with a budget: every value read or passed, in arrays and maps too, takes one. Items
// of no bytes at all (nulls, empty records) are what makes five bytes mean fifty million values.
//
//   int, long      zigzag of at most 64 bits, seven to a byte, low first         float, double   4, 8 bytes, low first
//   string, bytes  length as long, then as many                                 enum, union     index as int, as long
//   array, map     (count as long, items)*, 0     a negative count: its size in bytes follows

// 10,000: a sample of 64 labels and a histogram of 200 buckets has 800.
export const VALUES_MAX = 10_000;
// A schema may refer to itself: bytes of depth without end.
const DEPTH_MAX = 64;

export class AvroReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #valuesLeft = 0;
  at = 0;

  begin(bytes: Uint8Array, at: number): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#valuesLeft = VALUES_MAX;
    this.at = at;
  }

  /** Throws `SAMPLE_TRAILING` when bytes are left. */
  end(): void {
    const left = this.#bytes.length - this.at;
    if (left > 0) throw unreadable('SAMPLE_TRAILING', `${left} bytes behind the end of the record`);
  }

  /** Beyond 2^53 it is rounded, as a long is that becomes a double. */
  long(): number {
    const bytes = this.#bytes;
    let value = 0;
    let scale = 1;
    // Seven bytes are 49 bits: exact in a double.
    for (let i = 0; i < 7; i++) {
      const byte = bytes[this.at];
      if (byte === undefined) throw this.#truncated(1);
      this.at++;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    return this.#longerLong(BigInt(value));
  }

  #longerLong(low: bigint): number {
    let value = low;
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.at];
      if (byte === undefined) throw this.#truncated(1);
      this.at++;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (value >= 1n << 64n) break;
      return Number((value >> 1n) ^ -(value & 1n));
    }
    throw this.malformed('a number of more than 64 bits');
  }

  int(): number {
    const value = this.long();
    if (value < -0x8000_0000 || value > 0x7fff_ffff) throw this.malformed(`${value} for an int`);
    return value;
  }

  float(): number {
    this.#need(4);
    this.at += 4;
    return this.#view.getFloat32(this.at - 4, true);
  }

  double(): number {
    return this.#view.getFloat64(this.#pass(8), true);
  }

  /** Passes a double; returns where it begins: its bits are `word(at)` and `word(at + 4)`. */
  doubleAt(): number {
    return this.#pass(8);
  }

  word(at: number): number {
    return this.#view.getUint32(at, true);
  }

  /** Passes a length and as many bytes, which end where the reader then stands; returns where they begin. */
  lengthPrefixed(): number {
    const length = this.long();
    if (length < 0) throw this.malformed(`a length of ${length}`);
    return this.#pass(length);
  }

  /** As `lengthPrefixed`; what it passes is UTF-8. */
  text(): number {
    const start = this.lengthPrefixed();
    const { at } = this;
    const bytes = this.#bytes;
    for (let i = start; i < at; i++) {
      if ((bytes[i] as number) < 0x80) continue;
      if (isUtf8(bytes.subarray(i, at))) break;
      throw this.malformed('text that is not UTF-8');
    }
    return start;
  }

  /** How many items of a block follow, each to be read or skipped; 0 after the last block. */
  blockCount(): number {
    const count = this.long();
    if (count >= 0) return this.#afford(count);
    const size = this.long();
    if (size < 0 || size > this.#bytes.length - this.at) throw this.#truncated(size);
    return this.#afford(-count);
  }

  /** The type of what follows: a union's branch, else the type itself. */
  branchOf(type: AvroType): AvroType {
    if (type.kind !== 'union') return type;
    const index = this.long();
    const branch = type.branches[index];
    if (branch === undefined) throw this.malformed(`branch ${index} of a union of ${type.branches.length}`);
    return branch;
  }

  symbolIndex(symbols: readonly string[]): number {
    const index = this.int();
    if (symbols[index] === undefined) throw this.malformed(`symbol ${index} of an enum of ${symbols.length}`);
    return index;
  }

  skip(type: AvroType, depth = 0): void {
    if (--this.#valuesLeft < 0) throw this.#tooManyValues();
    if (depth > DEPTH_MAX) throw unreadable('SAMPLE_TOO_LARGE', `values inside values more than ${DEPTH_MAX} deep`);
    switch (type.kind) {
      case 'null':
        return;
      case 'boolean':
        if ((this.#bytes[this.#pass(1)] as number) > 1) throw this.malformed('a boolean that is neither');
        return;
      case 'int':
        this.int();
        return;
      case 'long':
        this.long();
        return;
      case 'float':
        this.#pass(4);
        return;
      case 'double':
        this.#pass(8);
        return;
      case 'bytes':
        this.lengthPrefixed();
        return;
      case 'string':
        this.text();
        return;
      case 'fixed':
        this.#pass(type.size);
        return;
      case 'enum':
        this.symbolIndex(type.symbols);
        return;
      case 'union':
        this.skip(this.branchOf(type), depth + 1);
        return;
      case 'record':
        for (const field of type.fields) this.skip(field.type, depth + 1);
        return;
      case 'array':
      case 'map':
        for (let count = this.blockCount(); count > 0; count = this.blockCount()) {
          for (let i = 0; i < count; i++) {
            if (type.kind === 'map') this.text();
            this.skip(type.items, depth + 1);
          }
        }
        return;
      default:
        unreachable(type);
    }
  }

  malformed(what: string) {
    return unreadable('SAMPLE_MALFORMED', `${what}, before byte ${this.at}`);
  }

  #pass(length: number): number {
    this.#need(length);
    const start = this.at;
    this.at += length;
    return start;
  }

  #need(length: number): void {
    if (length > this.#bytes.length - this.at) throw this.#truncated(length);
  }

  #afford(count: number): number {
    this.#valuesLeft -= count;
    if (this.#valuesLeft < 0) throw this.#tooManyValues();
    return count;
  }

  #tooManyValues() {
    return unreadable('SAMPLE_TOO_LARGE', `more than ${VALUES_MAX} values in one record`);
  }

  #truncated(wanted: number) {
    const left = Math.max(0, this.#bytes.length - this.at);
    return unreadable('SAMPLE_TRUNCATED', `${wanted} bytes are needed at byte ${this.at}, ${left} are left`);
  }
}
