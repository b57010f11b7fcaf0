import { ByteWriter } from '@tidemark/base';
import { readRows, writeRows } from '../batch/codec.ts';
import { malformed } from '../batch/columns.ts';
import { makeRowColumns, ROW_FLOAT_COLUMNS, type RowColumns } from '../batch/row-batch.ts';
import type { SelectedRows } from '../series-source.ts';
import { beginPart, endPart, openPart } from './series-part.ts';

// Rows of a few series: series | count uvarint | the columns of a batch of rows, series after series.

const COUNT_MAX = 1_000_000;

export function encodeRowsPart(series: readonly SelectedRows[]): Uint8Array {
  const count = series.reduce((sum, { rows }) => sum + rows.length, 0);
  const all = makeRowColumns(count);
  let at = 0;
  for (const [i, { rows }] of series.entries()) {
    all.series.fill(i, at, at + rows.length);
    copyInto(all, rows, at);
    at += rows.length;
  }
  const writer = new ByteWriter(count * 64 + series.length * 32);
  beginPart(
    writer,
    series.map(({ labels }) => labels),
  );
  writer.uvarint(count);
  writeRows(writer, all);
  return endPart(writer);
}

/** Throws `BATCH_MALFORMED`, `BYTES_MALFORMED`, what zlib throws. Columns are views of those of all. */
export function decodeRowsPart(body: Uint8Array): SelectedRows[] {
  const { reader, series } = openPart(body);
  const count = reader.uvarint();
  if (count > COUNT_MAX) throw malformed(`${count} rows in a part; the limit is ${COUNT_MAX}`);
  const rows = readRows(reader, count, series.length);
  const found: SelectedRows[] = [];
  let from = 0;
  for (const [i, labels] of series.entries()) {
    let to = from;
    while (to < count && rows.series[to] === i) to++;
    found.push({ labels, rows: rowsBetween(rows, from, to) });
    from = to;
  }
  if (from !== count) throw malformed('rows that are not in the order of their series');
  return found;
}

/** Views of the rows `[from, to)`. */
export function rowsBetween(rows: RowColumns, from: number, to: number): RowColumns {
  const cut = { length: to - from } as { -readonly [K in keyof RowColumns]: RowColumns[K] };
  for (const name of ROW_FLOAT_COLUMNS) cut[name] = rows[name].subarray(from, to);
  cut.series = rows.series.subarray(from, to);
  cut.endMs = rows.endMs.subarray(from, to);
  cut.generation = rows.generation.subarray(from, to);
  cut.offset = rows.offset.subarray(from, to);
  return cut;
}

function copyInto(all: RowColumns, rows: RowColumns, at: number): void {
  all.endMs.set(rows.endMs, at);
  all.generation.set(rows.generation, at);
  all.offset.set(rows.offset, at);
  for (const name of ROW_FLOAT_COLUMNS) {
    // As words: a NaN keeps its payload.
    const words = (column: Float64Array, from: number, length: number) =>
      new Uint32Array(column.buffer, column.byteOffset + from * 8, length * 2);
    words(all[name], at, rows.length).set(words(rows[name], 0, rows.length));
  }
}
