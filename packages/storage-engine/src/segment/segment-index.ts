import { ByteReader, ByteWriter } from '@tidemark/base';
import { decodeLabels, decodeUtf8, findLabelValue, type Labels } from '@tidemark/model';
import { SharedTimes, type TimesTable } from '../chunk/shared-times.ts';
import { storageError } from '../errors.ts';
import type { LabelIndex } from '../index/label-index.ts';
import { type LabelPostings, Postings } from '../index/postings.ts';
import { type BlockRange, ChunkBuilder, type ChunkColumns, readBlockRange } from './chunk-columns.ts';
import { PostingsWriter } from './postings-writer.ts';
import { EntryWriter, type IndexedSeries, readLabelDifference, type SegmentChunk, skipId } from './series-entry.ts';

// What a segment holds of one tenant: its series with their chunks, and which series carry which label.
//
//   index   := blocks uvarint | (offset uvarint | length uvarint | payload uvarint)*       as stored, and the payload's length
//              times table, since version 2 (chunk/shared-times.ts)
//              series uvarint | series*  | names uvarint | name*                    a series: series-entry.ts
//   name    := as postings-writer.ts has it
//
// Series are numbered in the order of their label bytes within their metric, metrics by name; those numbers are the refs.

/** As of version 2. */
export function encodeIndex(
  blocks: readonly BlockRange[],
  times: TimesTable,
  series: readonly IndexedSeries[],
  startMs: number,
): Uint8Array {
  const writer = new ByteWriter(4096);
  writer.uvarint(blocks.length);
  for (const { offset, length, payload } of blocks) {
    writer.uvarint(offset);
    writer.uvarint(length);
    writer.uvarint(payload);
  }
  times.write(writer);
  writer.uvarint(series.length);
  const entries = new EntryWriter(writer, startMs);
  const postings = new PostingsWriter();
  for (const [ref, each] of series.entries()) {
    entries.add(each);
    postings.add(ref, each.labels);
  }
  postings.write(writer);
  return writer.finish();
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
  /** Of the segment: blocks are written by it, too. */
  readonly version: number;
  /** Times that chunks name by number; none in versions before 2. */
  readonly times: SharedTimes | undefined;
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
    this.version = version;
    const reader = new ByteReader(payload);
    for (let left = reader.count(2); left > 0; left--) {
      this.blocks.push(readBlockRange(reader, version));
    }
    this.times = version < 2 ? undefined : new SharedTimes(reader);
    const series = reader.count(2);
    const chunks = new ChunkBuilder(series, version, startMs);
    const labels = new ByteWriter(version === 0 ? 0 : series * LABELS_BYTES);
    this.#labelStarts = new Uint32Array(series);
    this.#labelEnds = new Uint32Array(series);
    for (let ref = 0; ref < series; ref++) {
      skipId(reader, version);
      if (version === 0) this.#passLabels(reader, ref);
      else this.#putLabels(reader, ref, version, labels);
      chunks.read(reader, ref, this.blocks);
    }
    this.#labels = version === 0 ? payload : labels.finish();
    this.chunkColumns = chunks.finish();
    this.#readPostings(reader, series);
    if (reader.left !== 0) throw storageError('SEGMENT_CORRUPT', 'bytes after an index', { at: reader.at });
    this.bytes = this.#labels.length + series * SERIES_BYTES + (this.times?.memoryBytes ?? 0);
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
