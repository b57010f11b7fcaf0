import { ByteReader, type ByteWriter } from '@tidemark/base';
import { storageError } from '../errors.ts';
import type { Column, Columns } from './columns.ts';
import { CHUNK_SAMPLES_MAX, VALUES_COPY } from './encoding.ts';
import type { TimesInPlace } from './times-in-place.ts';
import { readTimestamps, skipTimestamps, writeTimestamps } from './timestamps.ts';
import { readLastValue, readValues, writeValues } from './values.ts';

// A run of one series' samples (or rows), encoded.
//
//   chunk  := count uvarint | times | column*           times: timestamps.ts; docs/format/chunk.md
//   column := VALUES_COPY | number of a column before it u8          the same bits: of a counter's row, first is min
//           | as values.ts has it
//
// How many columns there are, how long the chunk is and whether its bytes are intact is said outside: a chunk has no checksum
// of its own, its container (a LevelDB value, a segment block, a checkpoint section) has. Whatever the bytes, the reader
// ends, stays inside them and hands out rising times, or throws.

/** Encodes `source[from, to)`. Requires rising times, whole numbers, and 1 to CHUNK_SAMPLES_MAX entries. */
export function writeChunk(writer: ByteWriter, source: Columns, from: number, to: number): void {
  writer.uvarint(to - from);
  writeTimestamps(writer, source.timestampsMs, from, to - from);
  for (let c = 0; c < source.columns.length; c++) {
    const same = columnLike(source.columns, c, from, to);
    if (same >= 0) {
      writer.u8(VALUES_COPY);
      writer.u8(same);
      continue;
    }
    const { values, words } = source.columns[c] as Column;
    writeValues(writer, values, words, from, to - from);
  }
}

/** The first column before `c` that has the same bits in `[from, to)`, or -1. */
function columnLike(columns: readonly Column[], c: number, from: number, to: number): number {
  const { words } = columns[c] as Column;
  for (let before = 0; before < c; before++) {
    const other = (columns[before] as Column).words;
    let i = from * 2;
    while (i < to * 2 && words[i] === other[i]) i++;
    if (i === to * 2) return before;
  }
  return -1;
}

/**
 * Adds the chunk in `bytes[start, end)` to `into`; returns its count. `times` knows what `into` holds of the series before. Throws
 * `CHUNK_MALFORMED`, `BYTES_MALFORMED`.
 */
export function readChunk(bytes: Uint8Array, start: number, end: number, into: Columns, times?: TimesInPlace): number {
  const reader = new ByteReader(bytes, start, end);
  const count = readCount(reader);
  into.reserve(count);
  const at = into.length;
  if (times === undefined) readTimestamps(reader, into.timestampsMs, at, count);
  else times.read(reader, into.timestampsMs, at, count);
  for (let c = 0; c < into.columns.length; c++) {
    const { values, words } = into.columns[c] as Column;
    const encoding = reader.u8();
    if (encoding === VALUES_COPY)
      words.set(copied(into.columns, c, reader.u8()).subarray(at * 2, (at + count) * 2), at * 2);
    else readValues(reader, encoding, values, words, at, count);
  }
  checkEnd(reader);
  into.length = at + count;
  return count;
}

/** Puts the newest value of a chunk of one column into entry 0 of `into`. Throws `CHUNK_MALFORMED`, `BYTES_MALFORMED`. */
export function readNewest(bytes: Uint8Array, start: number, end: number, into: Column): void {
  const reader = new ByteReader(bytes, start, end);
  const count = readCount(reader);
  skipTimestamps(reader, count);
  readLastValue(reader, reader.u8(), into.values, into.words, count);
  checkEnd(reader);
}

function checkEnd({ left, at }: ByteReader): void {
  if (left !== 0) throw storageError('CHUNK_MALFORMED', `${left} bytes after a chunk`, { at });
}

function readCount(reader: ByteReader): number {
  const count = reader.uvarint();
  if (count > 0 && count <= CHUNK_SAMPLES_MAX) return count;
  throw storageError('CHUNK_MALFORMED', `a chunk of ${count} samples`, { count, limit: CHUNK_SAMPLES_MAX });
}

function copied(columns: readonly Column[], c: number, before: number): Uint32Array {
  if (before >= c)
    throw storageError('CHUNK_MALFORMED', `column ${c} is to be like column ${before}`, { column: c, before });
  return (columns[before] as Column).words;
}
