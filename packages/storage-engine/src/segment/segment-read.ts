import { METRIC_NAME, type TimeRange } from '@tidemark/model';
import type { Erasure } from '../deletes/erase.ts';
import type { BlockSource, GatheredSeries, LabelOwner } from '../read/chunk-ref.ts';
import type { Entries, SeriesDecoder } from '../read/decode.ts';
import type { Gathered } from '../read/gather.ts';
import type { Turns } from '../read/turns.ts';
import type { SegmentIndex } from './segment-index.ts';

// One segment under a read. Its index and its refs never change, so it may be taken at any time:
//
//   collect   every series joins what others gathered of it
//   scan      where nobody else has any of them: blocks for a few hundred series, chunks decoded straight from the columns of the
//             index, series by series; nothing is made for a series that is not decoded at once

// Series whose blocks are loaded together: enough to fill a read, few enough to hold.
const SERIES_AT_ONCE = 256;

/** What a read asks of one segment, and where its chunks come from. */
export interface SegmentReadParts {
  readonly index: SegmentIndex;
  /** The series that are asked for, rising. */
  readonly refs: readonly number[];
  readonly source: BlockSource;
  readonly range: TimeRange;
  readonly rank: number;
  readonly erasures: ReadonlyMap<number, readonly Erasure[]> | undefined;
  readonly labelsOnly: boolean;
}

/** Takes the entries of a series, good until what it returns is done. */
export type Take = (owner: LabelOwner, ref: number, entries: Entries) => Promise<void> | undefined;

export interface Scan {
  readonly decoder: SeriesDecoder;
  readonly newestOnly: boolean;
  readonly gathered: Gathered;
  readonly turns: Turns;
  readonly take: Take;
}

type Blocks = Map<number, Uint8Array | undefined>;

export class SegmentRead {
  readonly #parts: SegmentReadParts;

  constructor(parts: SegmentReadParts) {
    this.#parts = parts;
  }

  /** How many series are asked for. */
  get count(): number {
    return this.#parts.refs.length;
  }

  /** Adds every series, to what others gathered of it. Throws `SELECT_TOO_MANY_SERIES`, the signal's reason. */
  async collect(gathered: Gathered, turns: Turns): Promise<void> {
    const { index, refs } = this.#parts;
    for (const ref of refs) {
      if (turns.due()) await turns.take();
      if (this.#reaches(ref)) this.#add(ref, gathered.of(index, ref));
    }
  }

  /** Hands over series after series. Throws `SELECT_TOO_MANY_SERIES`, the signal's reason. */
  async scan({ decoder, newestOnly, gathered, turns, take }: Scan): Promise<void> {
    const { index, refs } = this.#parts;
    let blocks: Blocks = new Map();
    for (let at = 0; at < refs.length; at += SERIES_AT_ONCE) {
      turns.check();
      const end = Math.min(at + SERIES_AT_ONCE, refs.length);
      blocks = await this.#load(at, end, blocks);
      for (let i = at; i < end; i++) {
        if (turns.due()) await turns.take();
        const ref = refs[i] as number;
        if (!this.#reaches(ref)) continue;
        gathered.countOne();
        const entries =
          (newestOnly ? this.#newest(ref, blocks, decoder) : undefined) ?? this.#entries(ref, blocks, decoder);
        const pause = take(index, ref, newestOnly && entries.to - entries.from > 1 ? decoder.newestOfLast() : entries);
        if (pause) await pause;
      }
    }
  }

  /** The metrics of the whole segment; undefined where some series of it is of none. */
  metricNames(): Iterable<string> | undefined {
    const { index } = this.#parts;
    const byName = index.postings(METRIC_NAME);
    let named = 0;
    for (const [, series] of byName?.counts() ?? []) named += series;
    return named === index.count ? byName?.values() : undefined;
  }

  #reaches(ref: number): boolean {
    const { index, range } = this.#parts;
    const { starts, minMs, maxMs } = index.chunkColumns;
    for (let c = starts[ref] as number; c < (starts[ref + 1] as number); c++) {
      if ((minMs[c] as number) < range.endMs && (maxMs[c] as number) >= range.startMs) return true;
    }
    return false;
  }

  #add(ref: number, series: GatheredSeries): void {
    const { index, source, range, rank, erasures, labelsOnly } = this.#parts;
    if (labelsOnly) return;
    const erased = erasures?.get(ref);
    for (const { block, offset, length, minMs, maxMs, samples } of index.chunks(ref)) {
      if (minMs >= range.endMs || maxMs < range.startMs) continue;
      series.chunks.push({ source, bytes: undefined, block, offset, length, minMs, maxMs, samples, rank, erased });
    }
  }

  /** The blocks of series `[at, end)`; those that were loaded for the series before are not read again. */
  async #load(at: number, end: number, before: Blocks): Promise<Blocks> {
    const { source } = this.#parts;
    const now: Blocks = new Map();
    const missing = this.#missing(at, end, before, now);
    if (missing.length === 0) return now;
    const payloads = await source.readBlocks(missing);
    for (let i = 0; i < missing.length; i++) now.set(missing[i] as number, payloads[i]);
    return now;
  }

  #missing(at: number, end: number, before: Blocks, now: Blocks): number[] {
    const { index, refs, range } = this.#parts;
    const { starts, blocks, minMs, maxMs } = index.chunkColumns;
    const missing: number[] = [];
    let last = -1;
    for (let i = at; i < end; i++) {
      const ref = refs[i] as number;
      for (let c = starts[ref] as number; c < (starts[ref + 1] as number); c++) {
        const block = blocks[c] as number;
        if (block === last || (minMs[c] as number) >= range.endMs || (maxMs[c] as number) < range.startMs) continue;
        last = block;
        if (now.has(block)) continue;
        const known = before.get(block);
        now.set(block, known);
        if (known === undefined) missing.push(block);
      }
    }
    return missing;
  }

  #entries(ref: number, blocks: Blocks, decoder: SeriesDecoder): Entries {
    const { index, range, rank, erasures } = this.#parts;
    const columns = index.chunkColumns;
    const erased = erasures?.get(ref);
    decoder.begin();
    for (let c = columns.starts[ref] as number; c < (columns.starts[ref + 1] as number); c++) {
      if ((columns.minMs[c] as number) >= range.endMs || (columns.maxMs[c] as number) < range.startMs) continue;
      const bytes = blocks.get(columns.blocks[c] as number);
      decoder.add(bytes, columns.offsets[c] as number, columns.lengths[c] as number, rank, erased, index.times);
    }
    return decoder.end(range);
  }

  /** The newest entry where the index says in which chunk it is the last one. */
  #newest(ref: number, blocks: Blocks, decoder: SeriesDecoder): Entries | undefined {
    const { index, range, erasures } = this.#parts;
    const columns = index.chunkColumns;
    if (erasures?.has(ref) === true) return undefined;
    let newest = -1;
    for (let c = columns.starts[ref] as number; c < (columns.starts[ref + 1] as number); c++) {
      const maxMs = columns.maxMs[c] as number;
      if (maxMs >= range.endMs) {
        if ((columns.minMs[c] as number) < range.endMs) return undefined;
      } else if (newest < 0 || maxMs > (columns.maxMs[newest] as number)) newest = c;
    }
    const bytes = blocks.get(columns.blocks[newest] as number);
    if (bytes === undefined) return undefined;
    const { offsets, lengths, maxMs } = columns;
    return decoder.newestOf(bytes, offsets[newest] as number, lengths[newest] as number, maxMs[newest] as number);
  }
}

/** Whether no series is in two of them. Told by their metrics: a metric lives in one partition, unless it is spread. */
export function areApart(reads: readonly SegmentRead[]): boolean {
  const some = reads.filter(({ count }) => count > 0);
  if (some.length < 2) return true;
  const seen = new Set<string>();
  for (const read of some) {
    const names = read.metricNames();
    if (names === undefined) return false;
    for (const name of names) {
      if (seen.has(name)) return false;
      seen.add(name);
    }
  }
  return true;
}
