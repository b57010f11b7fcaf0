import { isTidemarkError } from '@tidemark/base';
import type { TimeRange } from '@tidemark/model';
import { readChunk, readNewest } from '../chunk/chunk.ts';
import { type Column, Columns } from '../chunk/columns.ts';
import { TimesInPlace } from '../chunk/times-in-place.ts';
import { eraseEntries } from '../deletes/erase.ts';
import type { LoadedBlocks } from './block-cache.ts';
import type { ChunkRef, GatheredSeries, Run } from './chunk-ref.ts';
import { lowerBound, mergeRuns } from './merge.ts';

/** `[from, to)` of some columns. */
export interface Entries {
  readonly columns: Columns;
  readonly from: number;
  readonly to: number;
  /** Their times are those of the entries handed out before, and stand where those stood. */
  readonly inStep: boolean;
}

/** Turns what was gathered of series into columns, one series after another, with buffers of its own. */
export class SeriesDecoder {
  readonly #decoded: Columns;
  readonly #times = new TimesInPlace();
  readonly #merged: Columns;
  readonly #scratch: Columns;
  /** What was handed out last. */
  #last: Entries | undefined;
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
    this.#last = undefined;
    this.replaced += mergeRuns(this.#runsOf(series, blocks), range, this.#merged, this.#scratch);
    return this.#merged;
  }

  /** The same, where they lie if they need no merging: valid until the next call, and not to be changed. */
  entries(series: GatheredSeries, blocks: LoadedBlocks, range: TimeRange): Entries {
    const runs = this.#runsOf(series, blocks);
    const [only] = runs;
    if (runs.length === 1 && only?.rising) {
      return this.#handOut(only, range, only.columns === this.#decoded && this.#times.same);
    }
    this.replaced += mergeRuns(runs, range, this.#merged, this.#scratch);
    this.#last = undefined;
    return { columns: this.#merged, from: 0, to: this.#merged.length, inStep: false };
  }

  /** The newest entry of a series of one column, alone: nothing else is decoded where its chunk says when it was. */
  newest(series: GatheredSeries, blocks: LoadedBlocks, range: TimeRange): Entries {
    const chunk = newestChunk(series, range);
    const bytes = chunk && blocks.bytesOf(chunk);
    if (chunk === undefined || bytes === undefined || chunk.offset + chunk.length > bytes.length) {
      return newestOf(this.entries(series, blocks, range));
    }
    const merged = this.#merged;
    const inStep = this.#last?.columns === merged && merged.timestampsMs[0] === chunk.maxMs;
    merged.timestampsMs[0] = chunk.maxMs;
    merged.length = 1;
    if (!readable(() => readNewest(bytes, chunk.offset, chunk.offset + chunk.length, merged.columns[0] as Column))) {
      return newestOf(this.entries(series, blocks, range));
    }
    if (this.#last === undefined || !inStep) this.#last = { columns: merged, from: 0, to: 1, inStep: false };
    return inStep ? { ...this.#last, inStep } : this.#last;
  }

  #handOut(run: Run, range: TimeRange, sameTimes: boolean): Entries {
    const last = this.#last;
    if (sameTimes && last !== undefined && last.columns === run.columns) {
      this.#last = last.inStep ? last : { ...last, inStep: true };
      return this.#last;
    }
    this.#last = clipped(run, range);
    return this.#last;
  }

  #runsOf(series: GatheredSeries, blocks: LoadedBlocks): readonly Run[] {
    const decoded = this.#decoded;
    decoded.reset();
    if (series.chunks.length === 0) return series.runs;
    this.#times.begin();
    const runs: Run[] = series.runs.length === 0 ? [] : [...series.runs];
    let isOne = runs.length === 0;
    for (const chunk of oneAfterTheOther(series.chunks)) {
      const bytes = blocks.bytesOf(chunk);
      const from = decoded.length;
      if (bytes === undefined || !this.#readChunk(bytes, chunk.offset, chunk.offset + chunk.length)) {
        this.lost++;
        // What was read of it may stand where times stood.
        this.#times.forget();
        continue;
      }
      if (chunk.erased !== undefined) {
        eraseEntries(decoded, from, chunk.erased);
        this.#times.forget();
      }
      if (decoded.length === from) continue;
      if (from > 0 && !risesAt(decoded, from)) isOne = false;
      runs.push({ columns: decoded, from, to: decoded.length, rank: chunk.rank, rising: true });
    }
    // One behind the other, nothing in two of them: their ranks do not matter.
    return isOne && runs.length > 1 ? [{ ...(runs[0] as Run), to: decoded.length }] : runs;
  }

  #readChunk(bytes: Uint8Array, start: number, end: number): boolean {
    if (end > bytes.length) return false;
    return readable(() => readChunk(bytes, start, end, this.#decoded, this.#times));
  }
}

/** Behind a good checksum this is a bug of the writer; still, one bad chunk must not take the whole answer away. */
function readable(read: () => void): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (isTidemarkError(error)) return false;
    throw error;
  }
}

/** In the order of their times where they do not overlap, as they are where they do. */
function oneAfterTheOther(chunks: readonly ChunkRef[]): readonly ChunkRef[] {
  if (areApart(chunks)) return chunks;
  const sorted = [...chunks].sort((a, b) => a.minMs - b.minMs);
  return areApart(sorted) ? sorted : chunks;
}

function areApart(chunks: readonly ChunkRef[]): boolean {
  for (let i = 1; i < chunks.length; i++) {
    if ((chunks[i] as ChunkRef).minMs <= (chunks[i - 1] as ChunkRef).maxMs) return false;
  }
  return true;
}

function risesAt({ timestampsMs }: Columns, at: number): boolean {
  return (timestampsMs[at] as number) > (timestampsMs[at - 1] as number);
}

/** The chunk whose last entry is the newest in the range; undefined where only decoding tells. */
function newestChunk({ chunks, runs }: GatheredSeries, { startMs, endMs }: TimeRange): ChunkRef | undefined {
  if (runs.length > 0) return undefined;
  let found: ChunkRef | undefined;
  for (const chunk of chunks) {
    if (chunk.maxMs >= endMs || chunk.erased !== undefined || chunk.maxMs === found?.maxMs) return undefined;
    if (chunk.maxMs >= startMs && (found === undefined || chunk.maxMs > found.maxMs)) found = chunk;
  }
  return found;
}

function newestOf({ columns, from, to }: Entries): Entries {
  return { columns, from: Math.max(from, to - 1), to, inStep: false };
}

function clipped({ columns, from, to }: Run, { startMs, endMs }: TimeRange): Entries {
  const times = columns.timestampsMs;
  const first = lowerBound(times, from, to, startMs);
  return { columns, from: first, to: lowerBound(times, first, to, endMs), inStep: false };
}
