import type { TimeRange } from '@tidemark/model';
import { METRIC_NAME } from '@tidemark/model';
import type { Erasure } from '../deletes/erase.ts';
import type { BlockSource, GatheredSeries } from '../read/chunk-ref.ts';
import type { Gathered } from '../read/gather.ts';
import type { Turns } from '../read/turns.ts';
import type { SegmentIndex } from './segment-index.ts';

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

/** One segment under a read. Its index and its refs never change, so it may be taken at any time. */
export class SegmentRead {
  readonly #parts: SegmentReadParts;
  #at = 0;

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

  /** Adds the next series, until there are `seriesMax` gathered; nobody else has any of them. Returns whether all is taken. */
  takeSome(gathered: Gathered, seriesMax: number): boolean {
    const { index, refs } = this.#parts;
    while (this.#at < refs.length) {
      if (gathered.series.length >= seriesMax) return false;
      const ref = refs[this.#at++] as number;
      if (this.#reaches(ref)) this.#add(ref, gathered.add(index, ref));
    }
    return true;
  }

  #reaches(ref: number): boolean {
    const { index, range } = this.#parts;
    for (const { minMs, maxMs } of index.chunks(ref)) if (minMs < range.endMs && maxMs >= range.startMs) return true;
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

  /** The metrics of the whole segment; undefined where some series of it is of none. */
  metricNames(): Iterable<string> | undefined {
    const { index } = this.#parts;
    const byName = index.postings(METRIC_NAME);
    let named = 0;
    for (const [, series] of byName?.counts() ?? []) named += series;
    return named === index.count ? byName?.values() : undefined;
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
