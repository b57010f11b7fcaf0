import { type Matcher, METRIC_NAME, matcher, type TimeRange } from '@tidemark/model';
import { storageError } from '../errors.ts';
import type { GatheredSeries } from './chunk-ref.ts';

/** What is asked of every part of the engine. */
export interface GatherRequest {
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  readonly range: TimeRange;
  /** Only which series have a piece in the range: neither chunks nor runs are gathered. */
  readonly labelsOnly?: boolean;
}

/** What the parts answered, by series, and how to let go of them. */
export class Gathered {
  readonly series = new Map<string, GatheredSeries>();
  readonly warnings = new Set<string>();
  readonly #seriesMax: number;
  readonly #releases: (() => void)[] = [];

  constructor(seriesMax: number) {
    this.#seriesMax = seriesMax;
  }

  /** The series with these labels, made if new. Throws `SELECT_TOO_MANY_SERIES`. */
  of(labelBytes: Uint8Array): GatheredSeries {
    const key = Buffer.from(labelBytes.buffer, labelBytes.byteOffset, labelBytes.length).toString('latin1');
    let series = this.series.get(key);
    if (series === undefined) {
      if (this.series.size >= this.#seriesMax) {
        throw storageError(
          'SELECT_TOO_MANY_SERIES',
          `the query selects more than ${this.#seriesMax} series; narrow its matchers or its range`,
          { limit: this.#seriesMax, found: this.series.size + 1 },
        );
      }
      series = { labelBytes, chunks: [], runs: [] };
      this.series.set(key, series);
    }
    return series;
  }

  /** Called once when the answer is made, whatever came of it. */
  onRelease(release: () => void): void {
    this.#releases.push(release);
  }

  release(): void {
    for (const release of this.#releases.splice(0)) release();
  }
}

/** Matches every series: for label questions without matchers. */
export const EVERYTHING: readonly Matcher[] = [matcher('=~', METRIC_NAME, '.*')];
