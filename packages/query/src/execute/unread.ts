import { TidemarkError } from '@tidemark/base';
import type { SelectedSeries } from '@tidemark/model';
import { type HistogramColumn, slotsOfHistogram } from '@tidemark/promql';
import type { Result } from '../answer.ts';

// Answers are made whole, then written as fast as their readers read. What is not written yet is held in memory: bounded here,
// all of them together.

export class UnreadAnswers {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Call what it returns when the answer is written. Throws `QUERY_ANSWERS_UNREAD`; an answer alone is always let through. */
  hold(result: Result): () => void {
    return this.holdBytes(bytesOf(result));
  }

  /** As `hold`, of an answer of another kind. */
  holdBytes(bytes: number): () => void {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) {
      throw new TidemarkError(
        'QUERY_ANSWERS_UNREAD',
        `this answer takes ${megabytes(bytes)} and answers of ${megabytes(this.#bytes)} are not read yet, more than ${megabytes(
          this.#bytesMax,
        )} (query.unreadBytes) together; read faster, ask for fewer series or a longer step, or ask again`,
        { bytes, unread: this.#bytes, limit: this.#bytesMax },
      );
    }
    this.#bytes += bytes;
    let held = true;
    return () => {
      if (held) this.#bytes -= bytes;
      held = false;
    };
  }
}

// Objects and labels of one series or sample; most labels are shared.
const SERIES_BYTES = 200;

// A native histogram's objects; its buckets are counted one by one.
const HISTOGRAM_BYTES = 400;

/** What selected series hold, roughly. */
export function bytesOfSeries(series: readonly SelectedSeries[]): number {
  let bytes = 0;
  for (const { values, histograms } of series) {
    bytes += SERIES_BYTES + values.byteLength * 2;
    for (const { positive, negative } of histograms?.histograms ?? []) {
      bytes += HISTOGRAM_BYTES + (positive.counts.length + negative.counts.length) * 8;
    }
  }
  return bytes;
}

/** What a result holds, roughly. Series that share their times hold them once. */
export function bytesOf(result: Result): number {
  switch (result.kind) {
    case 'scalar':
      return SERIES_BYTES;
    case 'string':
      return SERIES_BYTES + result.text.length * 2;
    case 'vector':
      return result.points.length * SERIES_BYTES + histogramBytes(result.points.map(({ histogram }) => histogram));
    case 'matrix': {
      let bytes = result.lines.length * SERIES_BYTES;
      let times: Float64Array | undefined;
      for (const { timestampsMs, values, histograms } of result.lines) {
        bytes += values.byteLength;
        if (histograms) bytes += histogramBytes(histograms);
        if (timestampsMs !== times) bytes += timestampsMs.byteLength;
        times = timestampsMs;
      }
      return bytes;
    }
  }
}

/** A bucket is an index and a count. */
function histogramBytes(histograms: HistogramColumn): number {
  let slots = 0;
  for (const one of histograms) if (one) slots += slotsOfHistogram(one);
  return slots * 12;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
