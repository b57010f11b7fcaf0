import { ByteReader, ByteWriter } from '@tidemark/base';
import { decodeLabels, decodeUtf8, findLabelValue, type Labels, SERIES_ID_LENGTH } from '@tidemark/model';
import { storageError } from '../errors.ts';
import type { LabelIndex } from '../index/label-index.ts';
import { type LabelPostings, Postings } from '../index/postings.ts';
import { type BlockRange, ChunkBuilder, type ChunkColumns } from './chunk-columns.ts';

// What a segment holds of one tenant: its series with their chunks, and which series carry which label.
//
//   index   := blocks uvarint | (offset uvarint | length uvarint)*       block ranges, checksum included
//              series uvarint | series*  | names uvarint | name*
//   series  := id byte[16] | labels lengthPrefixed | chunks uvarint | chunk*
//   chunk   := block uvarint (distance from the chunk before) | offset uvarint | length uvarint
//              | min zigzag (from the window's start) | span uvarint | samples uvarint
//   name    := name text | values uvarint | (value text | refs uvarint | ref uvarint (distance)*)*
//
// Series are numbered in the order of their label bytes within their metric, metrics by name; those numbers are the refs.

export type { BlockRange } from './chunk-columns.ts';

export interface SegmentChunk {
  readonly block: number;
  readonly offset: number;
  readonly length: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly samples: number;
}

export interface IndexedSeries {
  readonly id: Uint8Array;
  readonly labels: Uint8Array;
  readonly chunks: readonly SegmentChunk[];
}

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
  for (const { id, labels, chunks } of series) {
    writer.raw(id);
    writer.lengthPrefixed(labels);
    writer.uvarint(chunks.length);
    let block = 0;
    for (const chunk of chunks) {
      writer.uvarint(chunk.block - block);
      block = chunk.block;
      writer.uvarint(chunk.offset);
      writer.uvarint(chunk.length);
      writer.zigzag(chunk.minMs - startMs);
      writer.uvarint(chunk.maxMs - chunk.minMs);
      writer.uvarint(chunk.samples);
    }
  }
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

const found = { start: 0, end: 0 };
const ENCODER = new TextEncoder();

/** A tenant's index in memory. */
export class SegmentIndex implements LabelIndex {
  readonly blocks: BlockRange[] = [];
  readonly chunkColumns: ChunkColumns;
  /** Labels of series i are `[labelStarts[i], labelEnds[i])` of the payload. */
  readonly #payload: Uint8Array;
  readonly #labelStarts: Uint32Array;
  readonly #labelEnds: Uint32Array;
  readonly #postings = new Postings();
  /** About what it takes in memory. */
  readonly bytes: number;

  /** Throws `BYTES_MALFORMED`, `SEGMENT_CORRUPT`. */
  constructor(payload: Uint8Array, startMs: number) {
    this.bytes = payload.length * 4;
    const reader = new ByteReader(payload);
    for (let left = reader.count(2); left > 0; left--) {
      this.blocks.push({ offset: reader.uvarint(), length: reader.uvarint() });
    }
    const series = reader.count(SERIES_ID_LENGTH + 2);
    const chunks = new ChunkBuilder(series);
    this.#payload = payload;
    this.#labelStarts = new Uint32Array(series);
    this.#labelEnds = new Uint32Array(series);
    for (let ref = 0; ref < series; ref++) {
      reader.skip(SERIES_ID_LENGTH);
      const length = reader.uvarint();
      this.#labelStarts[ref] = reader.at;
      reader.skip(length);
      this.#labelEnds[ref] = reader.at;
      chunks.read(reader, ref, this.blocks, startMs);
    }
    this.chunkColumns = chunks.finish();
    this.#readPostings(reader, series);
    if (reader.left !== 0) throw storageError('SEGMENT_CORRUPT', 'bytes after an index', { at: reader.at });
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
    if (!findLabelValue(this.#payload, start, end, ENCODER.encode(name), found)) return '';
    return decodeUtf8(this.#payload, found.start, found.end);
  }

  labelBytes(ref: number): Uint8Array {
    return this.#payload.subarray(this.#labelStarts[ref], this.#labelEnds[ref]);
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
