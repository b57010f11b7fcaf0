import { type ByteReader, ByteWriter } from '@tidemark/base';
import {
  malformed,
  readFloatColumn,
  readIndexColumn,
  readTimeColumn,
  writeFloatColumn,
  writeIndexColumn,
  writeTimeColumn,
} from '../batch/columns.ts';
import { decodeHistogram, encodeHistogram } from '../histogram/codec.ts';
import type { NativeHistogram, SelectedHistograms } from '../histogram/native-histogram.ts';
import type { SelectedSeries } from '../series-source.ts';
import { beginPart, endPart, openPart } from './series-part.ts';

// Samples of a few series. Series of one scrape have the same times: those stand once.
//
//   samples := series | columns uvarint | column*               a column of times: length uvarint, time column
//              | which: index column, one entry a series         a series has as many samples as its column has times
//              | values: float column of all series, one after the other
//              | histograms?: histograms uvarint | (entry uvarint | lengthPrefixed histogram)*   entry: among all values, from the one
//                before; the histogram as histogram/codec.ts writes it. Absent where there are none

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
  writeHistograms(writer, series);
  return endPart(writer);
}

function writeHistograms(writer: ByteWriter, series: readonly SelectedSeries[]): void {
  const count = series.reduce((sum, { histograms }) => sum + (histograms?.entries.length ?? 0), 0);
  if (count === 0) return;
  writer.uvarint(count);
  let start = 0;
  let last = 0;
  for (const { values, histograms } of series) {
    for (const [i, entry] of (histograms?.entries ?? []).entries()) {
      writer.uvarint(start + entry - last);
      last = start + entry;
      writer.lengthPrefixed(encodeHistogram(histograms?.histograms[i] as NativeHistogram));
    }
    start += values.length;
  }
}

/** By entry among `count` values. */
function readHistograms(reader: ByteReader, count: number): SelectedHistograms | undefined {
  if (reader.left === 0) return undefined;
  const entries = new Uint32Array(reader.count(2));
  const histograms: NativeHistogram[] = [];
  let last = 0;
  for (let i = 0; i < entries.length; i++) {
    const step = reader.uvarint();
    last += step;
    if (last >= count || (i > 0 && step === 0)) throw malformed(`a histogram at entry ${last} of ${count}`);
    entries[i] = last;
    histograms.push(decodeHistogram(reader.lengthPrefixed()));
  }
  return { entries, histograms };
}

/** How many numbers it would be: of a histogram, its buckets and some. */
export function sizeOfSamples({ values, histograms }: SelectedSeries): number {
  let size = values.length;
  for (const histogram of histograms?.histograms ?? []) size += sizeOfHistogram(histogram);
  return size;
}

function sizeOfHistogram({ positive, negative, bounds }: NativeHistogram): number {
  return 8 + positive.counts.length + negative.counts.length + (bounds?.length ?? 0);
}

/** Series whose histograms make them larger than `most` numbers, in pieces that are not, or have one histogram. */
export function* cutWhereHeavy(series: readonly SelectedSeries[], most: number): Iterable<SelectedSeries> {
  for (const one of series) {
    if (one.histograms === undefined || sizeOfSamples(one) <= most) {
      yield one;
      continue;
    }
    let from = 0;
    let next = 0;
    let size = 0;
    for (let i = 0; i < one.values.length; i++) {
      const isHistogram = one.histograms.entries[next] === i;
      const own = isHistogram ? 1 + sizeOfHistogram(one.histograms.histograms[next++] as NativeHistogram) : 1;
      if (size > 0 && size + own > most) {
        yield cutSamples(one, from, i);
        from = i;
        size = 0;
      }
      size += own;
    }
    yield cutSamples(one, from, one.values.length);
  }
}

/** Those of entries `[from, to)`, counted from `from`; undefined: none. */
function cutHistograms(all: SelectedHistograms | undefined, from: number, to: number): SelectedHistograms | undefined {
  if (all === undefined) return undefined;
  const first = all.entries.findIndex((entry) => entry >= from);
  const end = all.entries.findIndex((entry) => entry >= to);
  if (first < 0 || first === end) return undefined;
  const entries = all.entries.slice(first, end < 0 ? undefined : end).map((entry) => entry - from);
  return { entries, histograms: all.histograms.slice(first, first + entries.length) };
}

/** Entries `[from, to)` of a series. */
export function cutSamples(
  { labels, timestampsMs, values, histograms }: SelectedSeries,
  from: number,
  to: number,
): SelectedSeries {
  return {
    labels,
    timestampsMs: timestampsMs.subarray(from, to),
    values: values.subarray(from, to),
    histograms: cutHistograms(histograms, from, to),
  };
}

/** Throws `BATCH_MALFORMED`, `BYTES_MALFORMED`, `HISTOGRAM_MALFORMED`, what zlib throws. Values are views of one array. */
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
  const histograms = readHistograms(reader, count);
  if (reader.left > 0) throw malformed(`${reader.left} bytes after the samples`);
  let at = 0;
  return series.map((labels, i) => {
    const timestampsMs = columns[which[i] as number] as Float64Array;
    const from = at;
    at += timestampsMs.length;
    const one = { labels, timestampsMs, values: values.subarray(from, at) };
    return histograms === undefined ? one : { ...one, histograms: cutHistograms(histograms, from, at) };
  });
}
