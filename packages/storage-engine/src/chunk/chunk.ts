import { ByteReader, type ByteWriter } from '@tidemark/base';
import { storageError } from '../errors.ts';
import type { Column, Columns } from './columns.ts';
import { CHUNK_SAMPLES_MAX } from './encoding.ts';
import { readTimestamps, writeTimestamps } from './timestamps.ts';
import { readValues, writeValues } from './values.ts';

// A run of one series' samples (or rows), encoded.
//
//   chunk := count uvarint | times | column*            times: timestamps.ts; column: values.ts; docs/format/chunk.md
//
// How many columns there are, how long the chunk is and whether its bytes are intact is said outside: a chunk has no checksum
// of its own, its container (a LevelDB value, a segment block, a checkpoint section) has. Whatever the bytes, the reader
// ends, stays inside them and hands out rising times, or throws.

/** Encodes `source[from, to)`. Requires rising times, whole numbers, and 1 to CHUNK_SAMPLES_MAX entries. */
export function writeChunk(writer: ByteWriter, source: Columns, from: number, to: number): void {
  writer.uvarint(to - from);
  writeTimestamps(writer, source.timestampsMs, from, to - from);
  for (const { values, words } of source.columns) writeValues(writer, values, words, from, to - from);
}

/** Adds the chunk in `bytes[start, end)` to `into`; returns its count. Throws `CHUNK_MALFORMED`, `BYTES_MALFORMED`. */
export function readChunk(bytes: Uint8Array, start: number, end: number, into: Columns): number {
  const reader = new ByteReader(bytes, start, end);
  const count = reader.uvarint();
  if (count === 0 || count > CHUNK_SAMPLES_MAX) {
    throw storageError('CHUNK_MALFORMED', `a chunk of ${count} samples`, { count, limit: CHUNK_SAMPLES_MAX });
  }
  into.reserve(count);
  const at = into.length;
  readTimestamps(reader, into.timestampsMs, at, count);
  for (let c = 0; c < into.columns.length; c++) {
    const { values, words } = into.columns[c] as Column;
    readValues(reader, values, words, at, count);
  }
  if (reader.left !== 0) throw storageError('CHUNK_MALFORMED', `${reader.left} bytes after a chunk`, { at: reader.at });
  into.length = at + count;
  return count;
}
