import type { ByteReader } from '@tidemark/base';
import { ChunkWalk } from './series-entry.ts';

// The chunks of all series of a segment in columns: an object for each would be most of an index in memory, and the collector's work.

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** A block as it is stored, and how long its payload is. */
export interface BlockRange extends ByteRange {
  readonly payload: number;
}

/** Before version 2 a block was its payload and a checksum. Throws `BYTES_MALFORMED`. */
export function readBlockRange(reader: ByteReader, version: number): BlockRange {
  const offset = reader.uvarint();
  const length = reader.uvarint();
  return { offset, length, payload: version < 2 ? length - 4 : reader.uvarint() };
}

export interface ChunkColumns {
  /** Chunks of series i are entries `[starts[i], starts[i + 1])`, in the order of their times. */
  readonly starts: Uint32Array;
  readonly blocks: Uint32Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  readonly minMs: Float64Array;
  /** Inclusive. */
  readonly maxMs: Float64Array;
  readonly samples: Uint32Array;
}

const CHUNK_NUMBERS = ['blocks', 'offsets', 'lengths', 'samples'] as const;
const CHUNK_TIMES = ['minMs', 'maxMs'] as const;

/** Columns that grow while an index is read: bytes as series-entry.ts has them. */
export class ChunkBuilder {
  readonly #starts: Uint32Array;
  #columns: Omit<ChunkColumns, 'starts'>;
  readonly #walk: ChunkWalk;
  #count = 0;

  constructor(series: number, version: number, startMs: number) {
    this.#walk = new ChunkWalk(version, startMs);
    this.#starts = new Uint32Array(series + 1);
    this.#columns = columnsOf(Math.max(16, series));
  }

  /** Throws `SEGMENT_CORRUPT`, `BYTES_MALFORMED`. */
  read(reader: ByteReader, ref: number, ranges: readonly BlockRange[]): void {
    const count = reader.count(6);
    while (this.#count + count > this.#columns.blocks.length) this.#resize(this.#columns.blocks.length * 2);
    const { blocks, offsets, lengths, minMs, maxMs, samples } = this.#columns;
    const walk = this.#walk;
    walk.beginSeries();
    for (let at = this.#count; at < this.#count + count; at++) {
      walk.next(reader, ranges);
      blocks[at] = walk.block;
      offsets[at] = walk.offset;
      lengths[at] = walk.length;
      minMs[at] = walk.minMs;
      maxMs[at] = walk.maxMs;
      samples[at] = walk.samples;
    }
    this.#count += count;
    this.#starts[ref + 1] = this.#count;
  }

  finish(): ChunkColumns {
    this.#resize(this.#count);
    return { starts: this.#starts, ...this.#columns };
  }

  #resize(capacity: number): void {
    const before = this.#columns;
    const after = columnsOf(capacity);
    const kept = Math.min(capacity, this.#count);
    for (const name of CHUNK_NUMBERS) after[name].set(before[name].subarray(0, kept));
    for (const name of CHUNK_TIMES) after[name].set(before[name].subarray(0, kept));
    this.#columns = after;
  }
}

function columnsOf(capacity: number): Omit<ChunkColumns, 'starts'> {
  return {
    blocks: new Uint32Array(capacity),
    offsets: new Uint32Array(capacity),
    lengths: new Uint32Array(capacity),
    samples: new Uint32Array(capacity),
    minMs: new Float64Array(capacity),
    maxMs: new Float64Array(capacity),
  };
}
