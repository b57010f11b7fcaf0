import { ByteWriter } from '@tidemark/base';
import { writeChunk } from '../chunk/chunk.ts';
import type { Columns } from '../chunk/columns.ts';
import { ChunkTable } from './chunk-table.ts';

// 240: twice what a steady series brings at once; only late backfills are cut by it.
export const CHUNK_SAMPLES = 240;

/** Chunks of one window that are finished but not yet in its LevelDB. They wait for the next checkpoint. */
export class PendingChunks {
  readonly table: ChunkTable;
  readonly #bytes = new ByteWriter(4096);
  samples = 0;

  /** Of a window that begins at `startMs`. */
  constructor(startMs: number) {
    this.table = new ChunkTable(startMs);
  }

  get bytes(): number {
    return this.#bytes.length;
  }

  get buffer(): Uint8Array {
    return this.#bytes.bytes;
  }

  /** Encodes `source[from, to)` of a series. */
  add(ref: number, source: Columns, from: number, to: number, rank: number): void {
    for (; to - from > CHUNK_SAMPLES; from += CHUNK_SAMPLES) this.#add(ref, source, from, from + CHUNK_SAMPLES, rank);
    this.#add(ref, source, from, to, rank);
  }

  #add(ref: number, source: Columns, from: number, to: number, rank: number): void {
    const at = this.#bytes.length;
    writeChunk(this.#bytes, source, from, to);
    const minMs = source.timestampsMs[from] as number;
    const maxMs = source.timestampsMs[to - 1] as number;
    this.table.add(ref, 0, at, this.#bytes.length - at, minMs, maxMs, to - from, rank);
    this.samples += to - from;
  }
}
