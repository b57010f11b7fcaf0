import { type ByteReader, ByteWriter, bytesEqual, isTidemarkError } from '@tidemark/base';
import {
  bucketsOf,
  decodeHistogram,
  encodeHistogram,
  HISTOGRAM_SUM_AT,
  type HistogramShape,
  type NativeHistogram,
  readHistogramShape,
  wordsOf,
  writeHistogramShape,
} from '@tidemark/model';
import { storageError } from '../errors.ts';
import type { Column, Columns } from './columns.ts';
import { readValues, writeValues } from './values.ts';

// The value column of a run in which some entries, or all, are native histograms. docs/format/chunk.md
//
//   column := histograms uvarint | (marks | numbers)? | group*       until all histograms are there
//   marks     a bit an entry, from the low end of each byte: 1, it is a histogram      only where some entries are numbers,
//   numbers   the column of those, as values.ts has it                                 with these beside them
//   group  := histograms uvarint | shape | column*                   as many columns as a histogram has numbers:
//             sum, count, zero count, positive buckets, negative buckets
//
// Successive histograms of a series have one shape, and numbers that rise a little: each bucket is a column like that of a counter.

// A group's numbers are in memory at once: 2 MiB, 720 histograms of 360 buckets. A larger histogram is a group of its own.
const GROUP_NUMBERS = 2 ** 18;
// Of one histogram there are 131,072 and three.
const GROUP_NUMBERS_MAX = 2 ** 20;
const COLUMNS_OF_ALL = 3;

/** Requires that one of `source[from, to)` is a histogram. */
export function writeHistograms(writer: ByteWriter, source: Columns, from: number, to: number): void {
  const histograms: NativeHistogram[] = [];
  const sums = new Float64Array(to - from);
  const sumBytes = new Uint8Array(sums.buffer);
  const marks = new Uint8Array(Math.ceil((to - from) / 8));
  const numbers = new Float64Array(to - from);
  const words = wordsOf(numbers);
  const own = (source.columns[0] as Column).words;
  let count = 0;
  for (let i = from; i < to; i++) {
    const bytes = source.histograms?.[i];
    if (bytes === undefined) {
      words[count * 2] = own[i * 2] as number;
      words[count * 2 + 1] = own[i * 2 + 1] as number;
      count++;
      continue;
    }
    sumBytes.set(bytes.subarray(HISTOGRAM_SUM_AT, HISTOGRAM_SUM_AT + 8), histograms.length * 8);
    histograms.push(decodeHistogram(bytes));
    const at = i - from;
    marks[at >>> 3] = (marks[at >>> 3] as number) | (1 << (at & 7));
  }
  writer.uvarint(histograms.length);
  if (count > 0) {
    writer.raw(marks);
    writeValues(writer, numbers, words, 0, count);
  }
  writeGroups(writer, histograms, sums);
}

function writeGroups(writer: ByteWriter, histograms: readonly NativeHistogram[], sums: Float64Array): void {
  const sumWords = wordsOf(sums);
  const shapes = histograms.map(shapeBytes);
  for (let start = 0; start < histograms.length; ) {
    const first = histograms[start] as NativeHistogram;
    const shape = shapes[start] as Uint8Array;
    const most = start + Math.max(1, Math.floor(GROUP_NUMBERS / columnsOf(first)));
    let end = start + 1;
    while (end < histograms.length && end < most && sameBytes(shapes[end] as Uint8Array, shape)) end++;
    writer.uvarint(end - start);
    writer.raw(shape);
    writeValues(writer, sums, sumWords, start, end - start);
    writeCounts(writer, histograms.slice(start, end));
    start = end;
  }
}

function shapeBytes(histogram: NativeHistogram): Uint8Array {
  const writer = new ByteWriter(64);
  writeHistogramShape(writer, histogram);
  return writer.finish();
}

function writeCounts(writer: ByteWriter, group: readonly NativeHistogram[]): void {
  const column = new Float64Array(group.length);
  const words = wordsOf(column);
  const write = (numberOf: (histogram: NativeHistogram) => number) => {
    for (let i = 0; i < group.length; i++) column[i] = numberOf(group[i] as NativeHistogram);
    writeValues(writer, column, words, 0, group.length);
  };
  write(({ count }) => count);
  write(({ zeroCount }) => zeroCount);
  const { positive, negative } = group[0] as NativeHistogram;
  for (let b = 0; b < positive.counts.length; b++) write((histogram) => histogram.positive.counts[b] as number);
  for (let b = 0; b < negative.counts.length; b++) write((histogram) => histogram.negative.counts[b] as number);
}

/** Fills entries `[at, at + count)`. The number of the encoding was read already. Throws `CHUNK_MALFORMED`, `BYTES_MALFORMED`. */
export function readHistograms(reader: ByteReader, into: Columns, at: number, count: number): void {
  const total = reader.uvarint();
  if (total === 0 || total > count) throw malformed(`${total} histograms among ${count} samples`);
  const marks = total < count ? reader.raw(Math.ceil(count / 8)) : undefined;
  const numbers = new Float64Array(count - total);
  if (numbers.length > 0) readValues(reader, reader.u8(), numbers, wordsOf(numbers), 0, numbers.length);
  const histograms: Uint8Array[] = [];
  while (histograms.length < total) readGroup(reader, histograms, total);
  place(into, at, count, marks, wordsOf(numbers), histograms);
}

function place(
  into: Columns,
  at: number,
  count: number,
  marks: Uint8Array | undefined,
  numbers: Uint32Array,
  histograms: readonly Uint8Array[],
): void {
  const { values, words } = into.columns[0] as Column;
  let histogram = 0;
  let number = 0;
  for (let i = 0; i < count; i++) {
    const isHistogram = marks === undefined || (((marks[i >>> 3] as number) >>> (i & 7)) & 1) === 1;
    if (isHistogram) {
      if (histogram === histograms.length) throw malformed('more marks than histograms');
      values[at + i] = Number.NaN;
      into.setHistogram(at + i, histograms[histogram++]);
      continue;
    }
    if (number * 2 === numbers.length) throw malformed('fewer marks than histograms');
    words[(at + i) * 2] = numbers[number * 2] as number;
    words[(at + i) * 2 + 1] = numbers[number * 2 + 1] as number;
    number++;
  }
}

function readGroup(reader: ByteReader, into: Uint8Array[], total: number): void {
  const count = reader.uvarint();
  if (count === 0 || into.length + count > total) throw malformed(`a group of ${count} histograms`);
  const shape = readShape(reader);
  const columns = columnsOf(shape);
  if (count * columns > GROUP_NUMBERS_MAX || columns > reader.left) {
    throw malformed(`a group of ${count} histograms of ${columns} numbers`);
  }
  const numbers = new Float64Array(count * columns);
  const words = wordsOf(numbers);
  for (let c = 0; c < columns; c++) readValues(reader, reader.u8(), numbers, words, c * count, count);
  for (let i = 0; i < count; i++) into.push(histogramAt(shape, numbers, i, count));
}

/** Number `i` of each column, as the bytes of a histogram. */
function histogramAt(shape: HistogramShape, numbers: Float64Array, i: number, count: number): Uint8Array {
  let column = 1;
  const next = () => numbers[column++ * count + i] as number;
  const { fractions } = shape;
  const ofAll = checked(next(), fractions);
  const ofZero = checked(next(), fractions);
  const side = ({ spans }: HistogramShape['positive']) => {
    const counts = new Float64Array(bucketsOf({ spans }));
    for (let b = 0; b < counts.length; b++) counts[b] = checked(next(), fractions);
    return { spans, counts };
  };
  const sides = { positive: side(shape.positive), negative: side(shape.negative) };
  const bytes = encodeHistogram({ ...shape, sum: 0, count: ofAll, zeroCount: ofZero, ...sides });
  bytes.set(new Uint8Array(numbers.buffer, i * 8, 8), HISTOGRAM_SUM_AT);
  return bytes;
}

function checked(value: number, fractions: boolean): number {
  if (!fractions && !(Number.isSafeInteger(value) && value >= 0)) throw malformed(`a count of ${value}`);
  return value;
}

function readShape(reader: ByteReader): HistogramShape {
  try {
    return readHistogramShape(reader);
  } catch (error) {
    if (!isTidemarkError(error, 'HISTOGRAM_MALFORMED')) throw error;
    throw malformed(error.message);
  }
}

function columnsOf({ positive, negative }: HistogramShape): number {
  return COLUMNS_OF_ALL + bucketsOf(positive) + bucketsOf(negative);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && bytesEqual(a, 0, a.length, b, 0, b.length);
}

function malformed(what: string): Error {
  return storageError('CHUNK_MALFORMED', `${what} in a column of histograms`);
}
