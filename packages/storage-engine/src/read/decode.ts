import { isTidemarkError } from '@tidemark/base';
import type { TimeRange } from '@tidemark/model';
import { readChunk } from '../chunk/chunk.ts';
import { Columns } from '../chunk/columns.ts';
import type { LoadedBlocks } from './block-cache.ts';
import type { GatheredSeries, Run } from './chunk-ref.ts';
import { mergeRuns } from './merge.ts';

/** Turns what was gathered of series into columns, one series after another, with buffers of its own. */
export class SeriesDecoder {
  readonly #decoded: Columns;
  readonly #merged: Columns;
  readonly #scratch: Columns;
  /** Entries that another one at the same time replaced or repeated. */
  replaced = 0;
  /** Chunks that could not be had. */
  lost = 0;

  constructor(columnCount: number) {
    this.#decoded = new Columns(columnCount, 1024);
    this.#merged = new Columns(columnCount, 1024);
    this.#scratch = new Columns(columnCount, 64);
  }

  /** The series' entries in the range; the columns are the decoder's own, valid until the next call. */
  decode(series: GatheredSeries, blocks: LoadedBlocks, range: TimeRange): Columns {
    const decoded = this.#decoded;
    decoded.reset();
    const runs: Run[] = [...series.runs];
    for (const chunk of series.chunks) {
      const bytes = blocks.bytesOf(chunk);
      const from = decoded.length;
      if (bytes === undefined || !this.#readChunk(bytes, chunk.offset, chunk.offset + chunk.length)) {
        this.lost++;
        continue;
      }
      runs.push({ columns: decoded, from, to: decoded.length, rank: chunk.rank, rising: true });
    }
    this.replaced += mergeRuns(runs, range, this.#merged, this.#scratch);
    return this.#merged;
  }

  #readChunk(bytes: Uint8Array, start: number, end: number): boolean {
    if (end > bytes.length) return false;
    try {
      readChunk(bytes, start, end, this.#decoded);
      return true;
    } catch (error) {
      // Behind a good checksum this is a bug of the writer; still, one bad chunk must not take the whole answer away.
      if (isTidemarkError(error)) return false;
      throw error;
    }
  }
}
