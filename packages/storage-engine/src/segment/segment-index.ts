import { ByteReader, ByteWriter } from '@tidemark/base';
import { decodeLabels, decodeUtf8, findLabelValue, type Labels, SERIES_ID_LENGTH } from '@tidemark/model';
import { storageError } from '../errors.ts';
import type { LabelIndex } from '../index/label-index.ts';
import { type LabelPostings, Postings } from '../index/postings.ts';
import { type BlockRange, ChunkBuilder, type ChunkColumns } from './chunk-columns.ts';
import { EntryWriter, type IndexedSeries, readLabelDifference, type SegmentChunk } from './series-entry.ts';

// What a segment holds of one tenant: its series with their chunks, and which series carry which label.
//
//   index   := blocks uvarint | (offset uvarint | length uvarint)*       block ranges, checksum included
//              series uvarint | series*  | names uvarint | name*                    a series: series-entry.ts
//   name    := name text | values uvarint | (value text | refs uvarint | ref uvarint (distance)*)*
//
// Series are numbered in the order of their label bytes within their metric, metrics by name; those numbers are the refs.

/** As of version 1. */
export function encodeIndex(
  blocks: readonly BlockRange[],
  series: readonly IndexedSeries[],
  startMs: number,
): Uint8Array {
  const writer = new ByteWriter(4096);
  writer.uvarint(blocks.length);
  for (const { offset, length } of blocks) {
    writer.uvarint(offset);
    writer.uvarint(length);
  }
  writer.uvarint(series.length);
  const entries = new EntryWriter(writer, startMs);
  for (const each of series) entries.add(each);
  writePostings(writer, series);
  return writer.finish();
}

function writePostings(writer: ByteWriter, series: readonly IndexedSeries[]): void {
  const names = new Map<string, Map<string, number[]>>();
  series.forEach(({ labels }, ref) => {
    for (const { name, value } of decodeLabels(labels)) {
      let values = names.get(name);
      if (values === undefined) {
        values = new Map();
        names.set(name, values);
      }
      const refs = values.get(value);
      if (refs === undefined) values.set(value, [ref]);
      else refs.push(ref);
    }
  });
  writer.uvarint(names.size);
  for (const [name, values] of sortedByBytes(names)) {
    writer.text(name);
    writer.uvarint(values.size);
    for (const [value, refs] of sortedByBytes(values)) {
      writer.text(value);
      writer.uvarint(refs.length);
      let last = 0;
      for (const ref of refs) {
        writer.uvarint(ref - last);
        last = ref;
      }
    }
  }
}

function sortedByBytes<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** Room for a first guess. */
const LABELS_BYTES = 128;
// Its chunk in columns, where its labels are, its entries in postings.
const SERIES_BYTES = 100;
const found = { start: 0, end: 0 };
const ENCODER = new TextEncoder();

/** A tenant's index in memory. */
export class SegmentIndex implements LabelIndex {
  readonly blocks: BlockRange[] = [];
  readonly chunkColumns: ChunkColumns;
  /** Labels of series i are `[labelStarts[i], labelEnds[i])` of it: the payload itself in version 0, where they stand whole. */
  readonly #labels: Uint8Array;
  readonly #labelStarts: Uint32Array;
  readonly #labelEnds: Uint32Array;
  readonly #postings = new Postings();
  /** About what it takes in memory. */
  readonly bytes: number;

  /** Throws `BYTES_MALFORMED`, `SEGMENT_CORRUPT`. */
  constructor(payload: Uint8Array, startMs: number, version: number) {
    const reader = new ByteReader(payload);
    for (let left = reader.count(2); left > 0; left--) {
      this.blocks.push({ offset: reader.uvarint(), length: reader.uvarint() });
    }
    const series = reader.count(SERIES_ID_LENGTH + 2);
    const chunks = new ChunkBuilder(series, version, startMs);
    const labels = new ByteWriter(version === 0 ? 0 : series * LABELS_BYTES);
    this.#labelStarts = new Uint32Array(series);
    this.#labelEnds = new Uint32Array(series);
    for (let ref = 0; ref < series; ref++) {
      reader.skip(SERIES_ID_LENGTH);
      if (version === 0) this.#passLabels(reader, ref);
      else this.#putLabels(reader, ref, version, labels);
      chunks.read(reader, ref, this.blocks);
    }
    this.#labels = version === 0 ? payload : labels.finish();
    this.chunkColumns = chunks.finish();
    this.#readPostings(reader, series);
    if (reader.left !== 0) throw storageError('SEGMENT_CORRUPT', 'bytes after an index', { at: reader.at });
    this.bytes = this.#labels.length + series * SERIES_BYTES;
  }

  #passLabels(reader: ByteReader, ref: number): void {
    const length = reader.uvarint();
    this.#labelStarts[ref] = reader.at;
    reader.skip(length);
    this.#labelEnds[ref] = reader.at;
  }

  #putLabels(reader: ByteReader, ref: number, version: number, into: ByteWriter): void {
    const lastStart = ref === 0 ? 0 : (this.#labelStarts[ref - 1] as number);
    const lastEnd = ref === 0 ? 0 : (this.#labelEnds[ref - 1] as number);
    const { shared, tail, middle, length } = readLabelDifference(reader, version, lastEnd - lastStart);
    into.reserve(length);
    const start = into.length;
    into.bytes.copyWithin(start, lastStart, lastStart + shared);
    into.bytes.set(middle, start + shared);
    into.bytes.copyWithin(start + shared + middle.length, lastEnd - tail, lastEnd);
    into.length = start + length;
    this.#labelStarts[ref] = start;
    this.#labelEnds[ref] = into.length;
  }

  get count(): number {
    return this.#labelStarts.length;
  }

  refs(): number[] {
    return Array.from(this.#labelStarts.keys());
  }

  postings(name: string): LabelPostings | undefined {
    return this.#postings.get(name);
  }

  names(): Iterable<string> {
    return this.#postings.names();
  }

  labelValue(ref: number, name: string): string {
    const start = this.#labelStarts[ref] as number;
    const end = this.#labelEnds[ref] as number;
    if (!findLabelValue(this.#labels, start, end, ENCODER.encode(name), found)) return '';
    return decodeUtf8(this.#labels, found.start, found.end);
  }

  labelBytes(ref: number): Uint8Array {
    return this.#labels.subarray(this.#labelStarts[ref], this.#labelEnds[ref]);
  }

  labels(ref: number): Labels {
    return decodeLabels(this.labelBytes(ref));
  }

  chunks(ref: number): readonly SegmentChunk[] {
    const { starts, blocks, offsets, lengths, minMs, maxMs, samples } = this.chunkColumns;
    const chunks: SegmentChunk[] = [];
    for (let at = starts[ref] as number; at < (starts[ref + 1] as number); at++) {
      chunks.push({
        block: blocks[at] as number,
        offset: offsets[at] as number,
        length: lengths[at] as number,
        minMs: minMs[at] as number,
        maxMs: maxMs[at] as number,
        samples: samples[at] as number,
      });
    }
    return chunks;
  }

  #readPostings(reader: ByteReader, series: number): void {
    for (let names = reader.count(2); names > 0; names--) {
      const values = this.#postings.of(reader.text());
      for (let left = reader.count(2); left > 0; left--) this.#readList(reader, series, values);
    }
  }

  #readList(reader: ByteReader, series: number, values: LabelPostings): void {
    const value = reader.text();
    if (values.has(value)) throw storageError('SEGMENT_CORRUPT', 'two lists of one label', { at: reader.at });
    let last = -1;
    for (let left = reader.count(); left > 0; left--) {
      const ref = Math.max(0, last) + reader.uvarint();
      if (ref >= series || ref <= last) {
        throw storageError('SEGMENT_CORRUPT', 'a posting of no series, or out of order', { ref, last, series });
      }
      values.add(value, ref);
      last = ref;
    }
  }
}
