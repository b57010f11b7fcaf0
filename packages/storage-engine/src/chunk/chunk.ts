import { assert, ByteReader, type ByteWriter } from '@tidemark/base';
import { storageError } from '../errors.ts';
import type { Column, Columns } from './columns.ts';
import { CHUNK_SAMPLES_MAX, TIMES_SHARED, VALUES_COPY, VALUES_HISTOGRAMS } from './encoding.ts';
import { readHistograms, writeHistograms } from './histograms.ts';
import type { SharedTimes, TimesTable } from './shared-times.ts';
import type { TimesInPlace } from './times-in-place.ts';
import { readTimestamps, skipTimestamps, writeTimestamps } from './timestamps.ts';
import { readLastValue, readValues, skipValues, writeValues } from './values.ts';

// A run of one series' samples (or rows), encoded.
//
//   chunk  := count uvarint | times | column*           times: timestamps.ts; docs/format/chunk.md
//   column := VALUES_COPY | number of a column before it u8          the same bits: of a counter's row, first is min
//           | VALUES_HISTOGRAMS | some entries, or all, are native histograms: histograms.ts
//           | as values.ts has it
//
// How many columns there are, how long the chunk is and whether its bytes are intact is said outside: a chunk has no checksum
// of its own, its container (a LevelDB value, a segment block, a checkpoint section) has. Whatever the bytes, the reader
// ends, stays inside them and hands out rising times, or throws.

/**
 * Encodes `source[from, to)`. Requires rising times, whole numbers, and 1 to CHUNK_SAMPLES_MAX entries. `table`: that of the
 * container, which its readers must have.
 */
export function writeChunk(writer: ByteWriter, source: Columns, from: number, to: number, table?: TimesTable): void {
  writer.uvarint(to - from);
  const shared = table?.numberOf(source.timestampsMs, from, to);
  if (shared === undefined) writeTimestamps(writer, source.timestampsMs, from, to - from);
  else {
    writer.u8(TIMES_SHARED);
    writer.uvarint(shared);
  }
  if (source.hasHistograms(from, to)) {
    assert(source.columns.length === 1, 'rows are no histograms');
    writer.u8(VALUES_HISTOGRAMS);
    writeHistograms(writer, source, from, to);
    return;
  }
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
 * Adds the chunk in `bytes[start, end)` to `into`; returns its count. `times` knows what `into` holds of the series before, `shared`
 * the times of the container. `wanted` has a 1 for each column that is to be filled, the others are anything then. Throws
 * `CHUNK_MALFORMED`, `BYTES_MALFORMED`.
 */
export function readChunk(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: Columns,
  times?: TimesInPlace,
  shared?: SharedTimes,
  wanted?: Uint8Array,
): number {
  const reader = new ByteReader(bytes, start, end);
  const count = readCount(reader);
  into.reserve(count);
  const at = into.length;
  if (times === undefined) readTimestamps(reader, into.timestampsMs, at, count, shared);
  else times.read(reader, into.timestampsMs, at, count, shared);
  if (into.histograms !== undefined) for (let i = at; i < at + count; i++) into.setHistogram(i, undefined);
  if (wanted !== undefined) readWanted(reader, into, at, count, wanted);
  else readAll(reader, into, at, count);
  checkEnd(reader);
  into.length = at + count;
  return count;
}

function readAll(reader: ByteReader, into: Columns, at: number, count: number): void {
  for (let c = 0; c < into.columns.length; c++) {
    const { values, words } = into.columns[c] as Column;
    const encoding = reader.u8();
    if (encoding === VALUES_COPY)
      words.set(copied(into.columns, c, reader.u8()).subarray(at * 2, (at + count) * 2), at * 2);
    else if (encoding === VALUES_HISTOGRAMS && into.columns.length === 1) readHistograms(reader, into, at, count);
    else readValues(reader, encoding, values, words, at, count);
  }
}

// Of the chunk at hand, by column: the column whose bits it has, and where what was gone past stands; 0: it was not.
const sameAs: number[] = [];
const passedAt: number[] = [];

/** A column that is wanted may be like one that is not: then that one's bytes are read after all. */
function readWanted(reader: ByteReader, into: Columns, at: number, count: number, wanted: Uint8Array): void {
  for (let c = 0; c < into.columns.length; c++) {
    const start = reader.at;
    const encoding = reader.u8();
    const isCopy = encoding === VALUES_COPY;
    const before = isCopy ? reader.u8() : c;
    if (isCopy && before >= c) throw noSuchColumn(c, before);
    const from = isCopy ? (sameAs[before] as number) : c;
    sameAs[c] = from;
    passedAt[c] = 0;
    if (wanted[c] !== 1) {
      if (isCopy) continue;
      passedAt[c] = start;
      skipValues(reader, encoding, count);
      continue;
    }
    const { values, words } = into.columns[c] as Column;
    if (!isCopy) {
      readValues(reader, encoding, values, words, at, count);
    } else if (passedAt[from] === 0) {
      words.set((into.columns[from] as Column).words.subarray(at * 2, (at + count) * 2), at * 2);
    } else {
      const next = reader.at;
      reader.at = passedAt[from] as number;
      readValues(reader, reader.u8(), values, words, at, count);
      reader.at = next;
    }
  }
}

/**
 * Puts the newest value of a chunk of one column into entry 0 of `into`. False where the chunk has histograms: read all of it. Throws
 * `CHUNK_MALFORMED`, `BYTES_MALFORMED`.
 */
export function readNewest(bytes: Uint8Array, start: number, end: number, into: Column): boolean {
  const reader = new ByteReader(bytes, start, end);
  const count = readCount(reader);
  skipTimestamps(reader, count);
  const encoding = reader.u8();
  if (encoding === VALUES_HISTOGRAMS) return false;
  readLastValue(reader, encoding, into.values, into.words, count);
  checkEnd(reader);
  return true;
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
  if (before >= c) throw noSuchColumn(c, before);
  return (columns[before] as Column).words;
}

function noSuchColumn(column: number, before: number): Error {
  return storageError('CHUNK_MALFORMED', `column ${column} is to be like column ${before}`, { column, before });
}
