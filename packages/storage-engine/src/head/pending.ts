import { ByteWriter } from '@tidemark/base';
import { writeChunk } from '../chunk/chunk.ts';
import type { Columns } from '../chunk/columns.ts';
import { ChunkTable } from './chunk-table.ts';

// 240: twice what a steady series brings at once; only late backfills are cut by it.
export const CHUNK_SAMPLES = 240;

// Pages are filled and never moved. The first ones are small: many windows only ever have a few late samples.
const FIRST_PAGE = 4096;
const LAST_PAGE = 65_536;

/** Chunks of one window that are finished but not yet in its LevelDB. They wait for the next checkpoint. */
export class PendingChunks {
  /** Blocks are numbers of pages. */
  readonly table: ChunkTable;
  readonly #pages: Uint8Array[] = [];
  /** Of the last page. */
  #used = 0;
  readonly #encoded = new ByteWriter(1024);
  bytes = 0;
  samples = 0;

  /** Of a window that begins at `startMs`. */
  constructor(startMs: number) {
    this.table = new ChunkTable(startMs);
  }

  pageOf(block: number): Uint8Array {
    return this.#pages[block] as Uint8Array;
  }

  /** Encodes `source[from, to)` of a series. */
  add(ref: number, source: Columns, from: number, to: number, rank: number): void {
    for (; to - from > CHUNK_SAMPLES; from += CHUNK_SAMPLES) this.#add(ref, source, from, from + CHUNK_SAMPLES, rank);
    this.#add(ref, source, from, to, rank);
  }

  #add(ref: number, source: Columns, from: number, to: number, rank: number): void {
    const encoded = this.#encoded;
    encoded.reset();
    writeChunk(encoded, source, from, to);
    const { length } = encoded;
    const page = this.#roomFor(length);
    const offset = this.#used;
    for (let i = 0; i < length; i++) page[offset + i] = encoded.bytes[i] as number;
    this.#used += length;
    const minMs = source.timestampsMs[from] as number;
    const maxMs = source.timestampsMs[to - 1] as number;
    this.table.add(ref, this.#pages.length - 1, offset, length, minMs, maxMs, to - from, rank);
    this.bytes += length;
    this.samples += to - from;
  }

  #roomFor(length: number): Uint8Array {
    const last = this.#pages.at(-1);
    if (last !== undefined && this.#used + length <= last.length) return last;
    const size = Math.min(LAST_PAGE, FIRST_PAGE << Math.min(4, this.#pages.length));
    const page = new Uint8Array(Math.max(size, length));
    this.#pages.push(page);
    this.#used = 0;
    return page;
  }
}
