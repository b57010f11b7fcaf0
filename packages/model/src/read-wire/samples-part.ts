import { ByteWriter } from '@tidemark/base';
import {
  malformed,
  readFloatColumn,
  readIndexColumn,
  readTimeColumn,
  writeFloatColumn,
  writeIndexColumn,
  writeTimeColumn,
} from '../batch/columns.ts';
import type { SelectedSeries } from '../series-source.ts';
import { beginPart, endPart, openPart } from './series-part.ts';

// Samples of a few series. Series of one scrape have the same times: those stand once.
//
//   samples := series | columns uvarint | column*               a column of times: length uvarint, time column
//              | which: index column, one entry a series         a series has as many samples as its column has times
//              | values: float column of all series, one after the other

const COUNT_MAX = 10_000_000;

export function encodeSamplesPart(series: readonly SelectedSeries[]): Uint8Array {
  const columns = new Map<Float64Array, number>();
  const which = new Uint32Array(series.length);
  let count = 0;
  for (const [i, { timestampsMs }] of series.entries()) {
    let column = columns.get(timestampsMs);
    if (column === undefined) {
      column = columns.size;
      columns.set(timestampsMs, column);
    }
    which[i] = column;
    count += timestampsMs.length;
  }
  const values = new Float64Array(count);
  // As words: a NaN keeps its payload.
  const words = new Uint32Array(values.buffer);
  let at = 0;
  for (const { values: own } of series) {
    words.set(new Uint32Array(own.buffer, own.byteOffset, own.length * 2), at * 2);
    at += own.length;
  }
  const writer = new ByteWriter(count * 8 + columns.size * 64 + series.length * 32);
  beginPart(
    writer,
    series.map(({ labels }) => labels),
  );
  writer.uvarint(columns.size);
  for (const times of columns.keys()) {
    writer.uvarint(times.length);
    writeTimeColumn(writer, times, times.length);
  }
  writeIndexColumn(writer, which, which.length);
  writeFloatColumn(writer, values, count);
  return endPart(writer);
}

/** Throws `BATCH_MALFORMED`, `BYTES_MALFORMED`, what zlib throws. Values are views of one array. */
export function decodeSamplesPart(body: Uint8Array): SelectedSeries[] {
  const { reader, series } = openPart(body);
  const columns: Float64Array[] = [];
  let held = 0;
  for (let left = reader.count(3); left > 0; left--) {
    const length = reader.uvarint();
    held += length;
    if (held > COUNT_MAX) throw malformed(`times of ${held} samples in a part; the limit is ${COUNT_MAX}`);
    const column = readTimeColumn(reader, length);
    for (let i = 1; i < length; i++) {
      if ((column[i] as number) <= (column[i - 1] as number)) throw malformed('times that do not rise');
    }
    columns.push(column);
  }
  const which = readIndexColumn(reader, series.length, columns.length);
  let count = 0;
  for (const column of which) count += (columns[column] as Float64Array).length;
  if (count > COUNT_MAX) throw malformed(`${count} samples in a part; the limit is ${COUNT_MAX}`);
  const values = readFloatColumn(reader, count);
  if (reader.left > 0) throw malformed(`${reader.left} bytes after the samples`);
  let at = 0;
  return series.map((labels, i) => {
    const timestampsMs = columns[which[i] as number] as Float64Array;
    const from = at;
    at += timestampsMs.length;
    return { labels, timestampsMs, values: values.subarray(from, at) };
  });
}
