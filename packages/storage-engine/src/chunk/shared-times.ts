import { ByteReader, ByteWriter } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { CHUNK_SAMPLES_MAX } from './encoding.ts';
import { readTimestamps, writeTimestamps } from './timestamps.ts';

// Columns of times that many chunks of one container have in common: a scrape's series have the same times, and with jitter times
// cost as much as noise does. They stand in the container once, and a chunk names its column by number.
//
//   table  := columns uvarint | column*
//   column := lengthPrefixed (count uvarint | times)        times as timestamps.ts has them

// Readers keep what they decoded of a table up to this: 128 thousand times.
const DECODED_BYTES_MAX = 1024 * 1024;

/** Collects columns while chunks are written. */
export class TimesTable {
  readonly #bytesMax: number;
  readonly #encoded = new ByteWriter(1024);
  readonly #column = new ByteWriter(1024);
  /** The last column of each hash; the rest of a bucket is found by `#before`. */
  readonly #byHash = new Map<number, number>();
  readonly #before: number[] = [];
  readonly #columns: Float64Array[] = [];

  /** Columns beyond so many bytes, encoded, stay with their chunks. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The number of a column with these times; undefined where the table is full. */
  numberOf(timestampsMs: Float64Array, from: number, to: number): number | undefined {
    const hash = hashOf(timestampsMs, from, to);
    const last = this.#byHash.get(hash) ?? -1;
    for (let number = last; number >= 0; number = this.#before[number] as number) {
      if (equal(this.#columns[number] as Float64Array, timestampsMs, from, to)) return number;
    }
    if (this.#encoded.length >= this.#bytesMax) return undefined;
    const column = this.#column;
    column.reset();
    column.uvarint(to - from);
    writeTimestamps(column, timestampsMs, from, to - from);
    this.#encoded.lengthPrefixed(column.view());
    this.#before.push(last);
    this.#byHash.set(hash, this.#columns.length);
    return this.#columns.push(timestampsMs.slice(from, to)) - 1;
  }

  /** Of the table, about. */
  get bytes(): number {
    return this.#encoded.length;
  }

  write(into: ByteWriter): void {
    into.uvarint(this.#columns.length);
    into.raw(this.#encoded.view());
  }
}

/** A table, read. */
export class SharedTimes {
  readonly #bytes: Uint8Array;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #decoded: Float64Array[] = [];
  #decodedBytes = 0;

  /** Reads a table; columns are decoded when they are asked for. Throws `BYTES_MALFORMED`. */
  constructor(reader: ByteReader) {
    let left = reader.count();
    const start = reader.at;
    for (; left > 0; left--) {
      const length = reader.uvarint();
      this.#starts.push(reader.at - start);
      reader.skip(length);
      this.#ends.push(reader.at - start);
    }
    // A copy: what stands around it is not held for as long.
    this.#bytes = reader.bytes.slice(start, reader.at);
  }

  /** About what it takes in memory, at most. */
  get memoryBytes(): number {
    return this.#bytes.length + this.#starts.length * 16 + Math.min(DECODED_BYTES_MAX, this.#bytes.length * 16);
  }

  /** Fills `into[at, at + count)` with a column. Throws `CHUNK_MALFORMED`, `BYTES_MALFORMED`. */
  read(number: number, into: Float64Array, at: number, count: number): void {
    const known = this.#decoded[number];
    if (known !== undefined && known.length === count) {
      into.set(known, at);
      return;
    }
    const start = this.#starts[number];
    if (start === undefined)
      throw storageError('CHUNK_MALFORMED', `no shared times have the number ${number}`, { number });
    const reader = new ByteReader(this.#bytes, start, this.#ends[number]);
    const said = reader.uvarint();
    if (said !== count || count > CHUNK_SAMPLES_MAX) {
      throw storageError('CHUNK_MALFORMED', `${said} shared times of a chunk of ${count}`, { number, count });
    }
    readTimestamps(reader, into, at, count);
    if (reader.left !== 0) throw storageError('CHUNK_MALFORMED', 'bytes after shared times', { number });
    if (this.#decodedBytes + count * 8 > DECODED_BYTES_MAX) return;
    this.#decodedBytes += count * 8;
    this.#decoded[number] = into.slice(at, at + count);
  }
}

/** Of every eighth distance and the last time: enough to tell hosts and windows apart, and cheap. */
function hashOf(timestampsMs: Float64Array, from: number, to: number): number {
  const first = timestampsMs[from] as number;
  let hash = Math.imul((first % 0x1_0000_0000) | 0, 0x9e37_79b1) ^ (to - from);
  for (let i = from + 7; i < to; i += 8) {
    hash = Math.imul(hash ^ ((timestampsMs[i] as number) - first), 0x85eb_ca6b);
    hash ^= hash >>> 13;
  }
  return Math.imul(hash ^ ((timestampsMs[to - 1] as number) - first), 0xc2b2_ae35);
}

function equal(column: Float64Array, timestampsMs: Float64Array, from: number, to: number): boolean {
  if (column.length !== to - from) return false;
  for (let i = 0; i < column.length; i++) if (column[i] !== timestampsMs[from + i]) return false;
  return true;
}
