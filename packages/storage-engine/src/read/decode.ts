import { isTidemarkError } from '@tidemark/base';
import type { TimeRange } from '@tidemark/model';
import { readChunk } from '../chunk/chunk.ts';
import { Columns } from '../chunk/columns.ts';
import { eraseEntries } from '../deletes/erase.ts';
import type { LoadedBlocks } from './block-cache.ts';
import type { GatheredSeries, Run } from './chunk-ref.ts';
import { lowerBound, mergeRuns } from './merge.ts';

/** `[from, to)` of some columns. */
export interface Entries {
  readonly columns: Columns;
  readonly from: number;
  readonly to: number;
}

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
    this.replaced += mergeRuns(this.#runsOf(series, blocks), range, this.#merged, this.#scratch);
    return this.#merged;
  }

  /** The same, where they lie if they need no merging: valid until the next call, and not to be changed. */
  entries(series: GatheredSeries, blocks: LoadedBlocks, range: TimeRange): Entries {
    const runs = this.#runsOf(series, blocks);
    const [only] = runs;
    if (runs.length === 1 && only?.rising) return clipped(only, range);
    this.replaced += mergeRuns(runs, range, this.#merged, this.#scratch);
    return { columns: this.#merged, from: 0, to: this.#merged.length };
  }

  #runsOf(series: GatheredSeries, blocks: LoadedBlocks): readonly Run[] {
    const decoded = this.#decoded;
    decoded.reset();
    if (series.chunks.length === 0) return series.runs;
    const runs: Run[] = [...series.runs];
    for (const chunk of series.chunks) {
      const bytes = blocks.bytesOf(chunk);
      const from = decoded.length;
      if (bytes === undefined || !this.#readChunk(bytes, chunk.offset, chunk.offset + chunk.length)) {
        this.lost++;
        continue;
      }
      if (chunk.erased !== undefined) eraseEntries(decoded, from, chunk.erased);
      if (decoded.length === from) continue;
      runs.push({ columns: decoded, from, to: decoded.length, rank: chunk.rank, rising: true });
    }
    return runs;
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

function clipped({ columns, from, to }: Run, { startMs, endMs }: TimeRange): Entries {
  const times = columns.timestampsMs;
  const first = lowerBound(times, from, to, startMs);
  return { columns, from: first, to: lowerBound(times, first, to, endMs) };
}
