import { ByteReader, type ByteWriter } from '@tidemark/base';
import { storageError } from '../errors.ts';
import type { Column, Columns } from './columns.ts';
import { BRIEF, CHUNK_SAMPLES_MAX } from './encoding.ts';

// A few rows in a series' stream that will soon be part of a longer chunk: some of the work, for about as many bytes.
//
//   brief := 0 | count uvarint | entry*                          0: where a chunk has its count
//   entry := time zigzag | marks (a nibble a column) | bytes     time: from the entry before, the first from 0
//   mark     0..8   so many bytes, the highest, of the value's bits; the others are zero. Second and later entries: of the
//                   bits xor those of the entry before
//            9..15  the same bits as the column 1..7 before it, in this entry
//
// Small whole numbers and decimals of few digits end in zero bytes; what has not changed since the row before is no byte at
// all; of a counter's row, first is min. Nothing is searched and nothing divided.

const COPY = 8;
const COPIED_MAX = 7;

/** Encodes `source[from, to)`. Requires rising whole times. */
export function writeBrief(writer: ByteWriter, source: Columns, from: number, to: number): void {
  writer.u8(BRIEF);
  writer.uvarint(to - from);
  const { columns, timestampsMs } = source;
  for (let i = from; i < to; i++) {
    writer.zigzag((timestampsMs[i] as number) - (i === from ? 0 : (timestampsMs[i - 1] as number)));
    writer.reserve(columns.length * 9);
    writer.length = writeEntry(writer.bytes, writer.length, columns, i, i > from);
  }
}

/** Marks and bytes of entry `i`; returns where they end. Requires room. */
function writeEntry(bytes: Uint8Array, start: number, columns: readonly Column[], i: number, follows: boolean): number {
  let marksAt = start;
  let at = start + ((columns.length + 1) >>> 1);
  let marks = 0;
  for (let c = 0; c < columns.length; c++) {
    const { words } = columns[c] as Column;
    let low = words[i * 2] as number;
    let high = words[i * 2 + 1] as number;
    let mark = copiedFrom(columns, c, i, low, high);
    if (follows) {
      low ^= words[i * 2 - 2] as number;
      high ^= words[i * 2 - 1] as number;
    }
    const length = low !== 0 ? 8 - (trailingZeros(low) >>> 3) : high !== 0 ? 4 - (trailingZeros(high) >>> 3) : 0;
    if (mark === 0 || length === 0) {
      mark = length;
      for (let shift = (8 - length) * 8; shift < 32; shift += 8) bytes[at++] = low >>> shift;
      for (let shift = length > 4 ? 0 : (4 - length) * 8; shift < 32; shift += 8) bytes[at++] = high >>> shift;
    }
    if ((c & 1) === 0) marks = mark;
    else bytes[marksAt++] = marks | (mark << 4);
  }
  if ((columns.length & 1) === 1) bytes[marksAt] = marks;
  return at;
}

/** The mark of a column before `c` that has these bits at entry `i`; 0 when none of the last few has. */
function copiedFrom(columns: readonly Column[], c: number, i: number, low: number, high: number): number {
  for (let before = 1; before <= COPIED_MAX && before <= c; before++) {
    const { words } = columns[c - before] as Column;
    if (words[i * 2] === low && words[i * 2 + 1] === high) return COPY + before;
  }
  return 0;
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Whether a piece of a stream is one of these. */
export function isBrief(bytes: Uint8Array, start: number): boolean {
  return bytes[start] === BRIEF;
}

/** Adds those in `bytes[start, end)` to `into`. Throws `CHUNK_MALFORMED`, `BYTES_MALFORMED`. */
export function readBrief(bytes: Uint8Array, start: number, end: number, into: Columns): void {
  const reader = new ByteReader(bytes, start, end);
  const first = reader.u8();
  const count = reader.uvarint();
  if (first !== BRIEF || count === 0 || count > CHUNK_SAMPLES_MAX) {
    throw storageError('CHUNK_MALFORMED', `${count} entries in brief`, { first, count, limit: CHUNK_SAMPLES_MAX });
  }
  into.reserve(count);
  readEntries(reader, into, into.length, count);
  if (reader.left !== 0) throw storageError('CHUNK_MALFORMED', `${reader.left} bytes after entries in brief`);
  into.length += count;
}

function readEntries(reader: ByteReader, into: Columns, at: number, count: number): void {
  const { columns, timestampsMs } = into;
  const marksLength = (columns.length + 1) >>> 1;
  let time = 0;
  for (let i = at; i < at + count; i++) {
    const step = reader.zigzag();
    time += step;
    if (i > at && !(step > 0)) throw storageError('CHUNK_MALFORMED', 'times of a chunk do not rise', { at: i });
    timestampsMs[i] = time;
    const marksAt = reader.at;
    reader.raw(marksLength);
    for (let c = 0; c < columns.length; c++) {
      const { words } = columns[c] as Column;
      const mark = ((reader.bytes[marksAt + (c >>> 1)] as number) >>> ((c & 1) * 4)) & 0xf;
      if (mark > COPY) {
        copy(columns, c, mark - COPY, i);
        continue;
      }
      if (reader.left < mark) throw storageError('CHUNK_MALFORMED', 'entries in brief end early', { at: i });
      let low = 0;
      let high = 0;
      for (let left = mark; left > 4; left--) low |= (reader.bytes[reader.at++] as number) << ((8 - left) * 8);
      for (let left = Math.min(mark, 4); left > 0; left--) {
        high |= (reader.bytes[reader.at++] as number) << ((4 - left) * 8);
      }
      words[i * 2] = i > at ? low ^ (words[i * 2 - 2] as number) : low;
      words[i * 2 + 1] = i > at ? high ^ (words[i * 2 - 1] as number) : high;
    }
  }
}

function copy(columns: readonly Column[], c: number, before: number, i: number): void {
  if (before > c) throw storageError('CHUNK_MALFORMED', `column ${c} is to be like one ${before} before it`, { c });
  const { words } = columns[c - before] as Column;
  const into = (columns[c] as Column).words;
  into[i * 2] = words[i * 2] as number;
  into[i * 2 + 1] = words[i * 2 + 1] as number;
}
