import { isTidemarkError } from '@tidemark/base';
import type { TimeRange } from '@tidemark/model';
import { readChunk, readNewest } from '../chunk/chunk.ts';
import { type Column, Columns } from '../chunk/columns.ts';
import type { SharedTimes } from '../chunk/shared-times.ts';
import { TimesInPlace } from '../chunk/times-in-place.ts';
import { type Erasure, eraseEntries } from '../deletes/erase.ts';
import type { LoadedBlocks } from './block-cache.ts';
import type { ChunkRef, GatheredSeries, Run } from './chunk-ref.ts';
import { lowerBound, mergeRuns } from './merge.ts';

/** `[from, to)` of some columns: the decoder's own, valid until its next call and not to be changed. */
export interface Entries {
  readonly columns: Columns;
  readonly from: number;
  readonly to: number;
  /** Their times are those of the entries handed out before, and stand where those stood. */
  readonly inStep: boolean;
}

/** Turns chunks and runs of series into columns, one series after another, with buffers of its own. */
export class SeriesDecoder {
  readonly #decoded: Columns;
  readonly #times = new TimesInPlace();
  readonly #merged: Columns;
  readonly #scratch: Columns;
  readonly #wanted: Uint8Array | undefined;
  /** What was handed out last: one object for all, there are many series. */
  readonly #out: { columns: Columns; from: number; to: number; inStep: boolean };
  /** Whether `#out` may be what the next series is in step with. */
  #hasOut = false;
  /** What it was asked for. */
  #outRange: TimeRange | undefined;
  /** Of the series at hand: where its chunks begin in `#decoded`, their ranks, and whether each follows the one before. */
  readonly #starts: number[] = [];
  readonly #ranks: number[] = [];
  #rising = true;
  /** Entries that another one at the same time replaced or repeated. */
  replaced = 0;
  /** Chunks that could not be had. */
  lost = 0;

  /** `wanted`: a 1 for each column that matters; of the others anything comes. */
  constructor(columnCount: number, wanted?: Uint8Array) {
    this.#wanted = wanted;
    this.#decoded = new Columns(columnCount, 1024);
    this.#merged = new Columns(columnCount, 1024);
    this.#scratch = new Columns(columnCount, 64);
    this.#out = { columns: this.#decoded, from: 0, to: 0, inStep: false };
  }

  /** The series' entries in the range: where they lie if they need no merging, else in columns of their own. */
  entries(series: GatheredSeries, blocks: LoadedBlocks, range: TimeRange): Entries {
    const { runs } = series;
    if (series.chunks.length === 0) {
      const [only] = runs;
      if (runs.length !== 1 || !only?.rising) {
        this.begin();
        return this.#merge(runs, range);
      }
      this.#hasOut = false;
      return this.#clip(only.columns, only.from, only.to, range);
    }
    this.#addAll(series, blocks);
    return this.end(range, runs);
  }

  /** The newest entry of a series of one column, alone: nothing else is decoded where its chunk says when it was. */
  newest(series: GatheredSeries, blocks: LoadedBlocks, range: TimeRange): Entries {
    const chunk = newestChunk(series, range);
    const bytes = chunk && blocks.bytesOf(chunk);
    if (chunk !== undefined && bytes !== undefined) {
      const newest = this.newestOf(bytes, chunk.offset, chunk.length, chunk.maxMs);
      if (newest !== undefined) return newest;
    }
    this.entries(series, blocks, range);
    return this.newestOfLast();
  }

  /** A series begins: `add` its chunks, then `end`. */
  begin(): void {
    this.#decoded.reset();
    this.#times.begin();
    this.#starts.length = 0;
    this.#ranks.length = 0;
    this.#rising = true;
  }

  /** A chunk of the series at hand: `bytes[offset, offset + length)`; undefined where they are lost. `shared`: its container's. */
  add(
    bytes: Uint8Array | undefined,
    offset: number,
    length: number,
    rank: number,
    erased: readonly Erasure[] | undefined,
    shared?: SharedTimes,
  ): void {
    const decoded = this.#decoded;
    const from = decoded.length;
    if (bytes === undefined || !this.#read(bytes, offset, offset + length, shared)) {
      this.lost++;
      // What was read of it may stand where times stood.
      this.#times.forget();
      return;
    }
    if (erased !== undefined) {
      eraseEntries(decoded, from, erased);
      this.#times.forget();
    }
    if (decoded.length === from) return;
    if (from > 0 && !risesAt(decoded, from)) this.#rising = false;
    this.#starts.push(from);
    this.#ranks.push(rank);
  }

  /** What was added, and these runs of the same series. */
  end(range: TimeRange, runs: readonly Run[] = NO_RUNS): Entries {
    // One behind the other, nothing in two of them: their ranks do not matter.
    if (runs.length > 0 || !this.#rising) return this.#merge(runs, range);
    const out = this.#out;
    if (this.#hasOut && this.#times.same && this.#outRange === range) {
      out.inStep = true;
      return out;
    }
    this.#clip(this.#decoded, 0, this.#decoded.length, range);
    this.#hasOut = true;
    this.#outRange = range;
    return out;
  }

  /** The last entry of a chunk of one column, whose time is known; undefined where it cannot be read alone. */
  newestOf(bytes: Uint8Array, offset: number, length: number, atMs: number): Entries | undefined {
    const merged = this.#merged;
    const out = this.#out;
    const inStep = out.columns === merged && out.to === 1 && merged.timestampsMs[0] === atMs;
    if (offset + length > bytes.length || !readableNewest(bytes, offset, offset + length, merged)) return undefined;
    merged.timestampsMs[0] = atMs;
    merged.histograms = undefined;
    out.columns = merged;
    out.from = 0;
    out.to = 1;
    out.inStep = inStep;
    this.#hasOut = false;
    return out;
  }

  /** Of what was handed out last, the newest entry alone. */
  newestOfLast(): Entries {
    const out = this.#out;
    out.from = Math.max(out.from, out.to - 1);
    out.inStep = false;
    this.#hasOut = false;
    return out;
  }

  #addAll({ chunks }: GatheredSeries, blocks: LoadedBlocks): void {
    this.begin();
    for (const chunk of oneAfterTheOther(chunks)) {
      const { offset, length, rank, erased, source } = chunk;
      this.add(blocks.bytesOf(chunk), offset, length, rank, erased, source?.times);
    }
  }

  #merge(runs: readonly Run[], range: TimeRange): Entries {
    const all = [...runs];
    const columns = this.#decoded;
    for (let i = 0; i < this.#starts.length; i++) {
      const to = this.#starts[i + 1] ?? columns.length;
      all.push({ columns, from: this.#starts[i] as number, to, rank: this.#ranks[i] as number, rising: true });
    }
    this.replaced += mergeRuns(all, range, this.#merged, this.#scratch);
    const out = this.#out;
    out.columns = this.#merged;
    out.from = 0;
    out.to = this.#merged.length;
    out.inStep = false;
    this.#hasOut = false;
    return out;
  }

  #clip(columns: Columns, from: number, to: number, { startMs, endMs }: TimeRange): Entries {
    const times = columns.timestampsMs;
    const out = this.#out;
    out.columns = columns;
    out.from = lowerBound(times, from, to, startMs);
    out.to = lowerBound(times, out.from, to, endMs);
    out.inStep = false;
    return out;
  }

  #read(bytes: Uint8Array, start: number, end: number, shared: SharedTimes | undefined): boolean {
    if (end > bytes.length) return false;
    try {
      readChunk(bytes, start, end, this.#decoded, this.#times, shared, this.#wanted);
      return true;
    } catch (error) {
      return isBadChunk(error);
    }
  }
}

const NO_RUNS: readonly Run[] = [];

function readableNewest(bytes: Uint8Array, start: number, end: number, { columns }: Columns): boolean {
  try {
    return readNewest(bytes, start, end, columns[0] as Column);
  } catch (error) {
    return isBadChunk(error);
  }
}

/** Behind a good checksum this is a bug of the writer; still, one bad chunk must not take the whole answer away. */
function isBadChunk(error: unknown): false {
  if (isTidemarkError(error)) return false;
  throw error;
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
