import { assert, type ByteReader, type ByteWriter } from '@tidemark/base';
import { SERIES_ID_LENGTH } from '@tidemark/model';
import { storageError } from '../errors.ts';
import { LABEL_BYTES_MAX } from '../series/shared-labels.ts';
import type { BlockRange } from './chunk-columns.ts';

// One series in a segment's index. Since version 1 it says how it differs from the one before: neighbours have one metric and
// differ in a value or two, and their chunks lie end to end. Of 150 bytes some 35 are left, 16 of them the id, which version 2
// leaves out: nobody asked for it. Compressed, three or four are left.
//
//   version 2   series := shared uvarint | tail uvarint | middle lengthPrefixed | chunks uvarint | (kind u8 | chunk)*
//                         kind 0: samples, histograms among them, or rows; others are refused
//   version 1   series := id byte[16] | shared uvarint | tail uvarint | middle lengthPrefixed | chunks uvarint | chunk*
//                         labels = before[0, shared) + middle + before[-tail..]
//               chunk  := block uvarint (from the chunk before) | offset uvarint (from where the chunk before ends, in another
//                         block from its beginning) | length uvarint | min zigzag (from that of the chunk before, the first
//                         from the window's start) | span zigzag (from that of the chunk before) | samples uvarint
//
//   version 0   series := id byte[16] | labels lengthPrefixed | chunks uvarint | chunk*
//               chunk  := block uvarint (from the chunk before of the series) | offset uvarint | length uvarint
//                         | min zigzag (from the window's start) | span uvarint | samples uvarint
//
// "Before" goes across series. The first comes after no labels, and after a chunk of no length at the beginning of block 0.

export interface SegmentChunk {
  readonly block: number;
  readonly offset: number;
  readonly length: number;
  readonly minMs: number;
  /** Inclusive. */
  readonly maxMs: number;
  readonly samples: number;
}

/** What a chunk is of: samples or rows. */
export const KIND_FLOAT = 0;

export interface IndexedSeries {
  readonly labels: Uint8Array;
  readonly chunks: readonly SegmentChunk[];
}

/** What labels have in common with those before them, and what stands between. */
export interface LabelDifference {
  readonly shared: number;
  readonly tail: number;
  readonly middle: Uint8Array;
  /** Of the labels. */
  readonly length: number;
}

/** Writes entries one behind the other, as of version 2. */
export class EntryWriter {
  readonly #writer: ByteWriter;
  #labels: Uint8Array = new Uint8Array(0);
  #chunk: SegmentChunk;

  constructor(writer: ByteWriter, startMs: number) {
    this.#writer = writer;
    this.#chunk = { block: 0, offset: 0, length: 0, minMs: startMs, maxMs: startMs, samples: 0 };
  }

  add({ labels, chunks }: IndexedSeries): void {
    const writer = this.#writer;
    this.#addLabels(labels);
    writer.uvarint(chunks.length);
    for (const chunk of chunks) {
      const last = this.#chunk;
      const distance = chunk.block === last.block ? chunk.offset - last.offset - last.length : chunk.offset;
      assert(chunk.block >= last.block && distance >= 0, 'chunks of an index lie one behind the other');
      writer.u8(KIND_FLOAT);
      writer.uvarint(chunk.block - last.block);
      writer.uvarint(distance);
      writer.uvarint(chunk.length);
      writer.zigzag(chunk.minMs - last.minMs);
      writer.zigzag(chunk.maxMs - chunk.minMs - (last.maxMs - last.minMs));
      writer.uvarint(chunk.samples);
      this.#chunk = chunk;
    }
  }

  #addLabels(labels: Uint8Array): void {
    const before = this.#labels;
    const most = Math.min(labels.length, before.length);
    let shared = 0;
    while (shared < most && labels[shared] === before[shared]) shared++;
    let tail = 0;
    while (tail < most - shared && labels[labels.length - 1 - tail] === before[before.length - 1 - tail]) tail++;
    this.#writer.uvarint(shared);
    this.#writer.uvarint(tail);
    this.#writer.lengthPrefixed(labels.subarray(shared, labels.length - tail));
    this.#labels = labels;
  }
}

/** Goes past a series' id, which versions before 2 have. Throws `BYTES_MALFORMED`. */
export function skipId(reader: ByteReader, version: number): void {
  if (version < 2) reader.skip(SERIES_ID_LENGTH);
}

/** Of any version; `before`: how long the labels before are. Throws `BYTES_MALFORMED` where bytes end, `SEGMENT_CORRUPT`. */
export function readLabelDifference(reader: ByteReader, version: number, before: number): LabelDifference {
  const shared = version === 0 ? 0 : reader.uvarint();
  const tail = version === 0 ? 0 : reader.uvarint();
  const middle = reader.lengthPrefixed();
  const length = shared + middle.length + tail;
  if (shared + tail > before || length > LABEL_BYTES_MAX) {
    throw storageError('SEGMENT_CORRUPT', 'labels that share more than there is, or are too long', {
      shared,
      tail,
      length,
    });
  }
  return { shared, tail, middle, length };
}

/** Goes from chunk to chunk of an index of any version: its fields are those of the chunk read last. */
export class ChunkWalk implements SegmentChunk {
  readonly #version: number;
  readonly #startMs: number;
  block = 0;
  offset = 0;
  length = 0;
  minMs: number;
  maxMs: number;
  samples = 0;

  /** Stands before the first, or at `from`. */
  constructor(version: number, startMs: number, from?: SegmentChunk) {
    this.#version = version;
    this.#startMs = startMs;
    this.minMs = startMs;
    this.maxMs = startMs;
    if (from) Object.assign(this, from);
  }

  /** The chunk it stands at. */
  chunk(): SegmentChunk {
    const { block, offset, length, minMs, maxMs, samples } = this;
    return { block, offset, length, minMs, maxMs, samples };
  }

  beginSeries(): void {
    if (this.#version === 0) this.block = 0;
  }

  /** Throws `BYTES_MALFORMED` where bytes end, `SEGMENT_CORRUPT`. */
  next(reader: ByteReader, blocks: readonly BlockRange[]): void {
    const kind = this.#version < 2 ? KIND_FLOAT : reader.u8();
    if (kind !== KIND_FLOAT) throw storageError('SEGMENT_CORRUPT', `a chunk of kind ${kind}`, { kind });
    const further = reader.uvarint();
    const distance = reader.uvarint();
    const length = reader.uvarint();
    const minDistance = reader.zigzag();
    if (this.#version === 0) {
      this.offset = distance;
      this.minMs = this.#startMs + minDistance;
      this.maxMs = this.minMs + reader.uvarint();
    } else {
      const span = this.maxMs - this.minMs + reader.zigzag();
      this.offset = further === 0 ? this.offset + this.length + distance : distance;
      this.minMs += minDistance;
      this.maxMs = this.minMs + span;
    }
    this.block += further;
    this.length = length;
    this.samples = reader.uvarint();
    const { block, offset } = this;
    if (block >= blocks.length || offset + length > (blocks[block] as BlockRange).payload) {
      throw storageError('SEGMENT_CORRUPT', 'a chunk outside its block', { block, offset });
    }
    if (!(this.maxMs >= this.minMs)) throw storageError('SEGMENT_CORRUPT', 'a chunk ends before it begins', { block });
  }
}
