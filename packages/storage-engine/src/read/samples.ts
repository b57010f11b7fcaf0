import type { Labels, SelectedSeries } from '@tidemark/model';
import type { Column, Columns } from '../chunk/columns.ts';

// Columns of an answer, in few pieces of memory: a buffer of its own for each of ten thousand series costs more than what is in it.
//
//   values   |series 1|series 2|series 3|...    side by side in buffers that grow from small to large
//   times    series of one scrape have the same: they share one array

const DOUBLES_FIRST = 4096;
// 512 KiB: a few hundred series of an hour; what is left over at the end is little beside it.
const DOUBLES_MOST = 65_536;

export class SampleColumns {
  #buffer = new Float64Array(0);
  #used = 0;
  #doubles = DOUBLES_FIRST;
  #times: Float64Array = new Float64Array(0);

  /** The entries `[from, to)` as a series of its own. */
  take(labels: Labels, { timestampsMs, columns }: Columns, from: number, to: number): SelectedSeries {
    return {
      labels,
      timestampsMs: this.#timesOf(timestampsMs, from, to),
      values: this.#copy((columns[0] as Column).values, from, to),
    };
  }

  #timesOf(times: Float64Array, from: number, to: number): Float64Array {
    if (!sameTimes(this.#times, times, from, to)) this.#times = this.#copy(times, from, to);
    return this.#times;
  }

  #copy(source: Float64Array, from: number, to: number): Float64Array {
    const count = to - from;
    // Between arrays of one kind `set` and `slice` move bytes: a NaN keeps its payload.
    if (count > DOUBLES_FIRST) return source.slice(from, to);
    if (this.#used + count > this.#buffer.length) {
      this.#buffer = new Float64Array(this.#doubles);
      this.#doubles = Math.min(this.#doubles * 2, DOUBLES_MOST);
      this.#used = 0;
    }
    this.#buffer.set(source.subarray(from, to), this.#used);
    const copy = this.#buffer.subarray(this.#used, this.#used + count);
    this.#used += count;
    return copy;
  }
}

function sameTimes(known: Float64Array, times: Float64Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  // Two scrapes differ at once, and most at the end.
  for (let i = to - 1; i >= from; i--) if (known[i - from] !== times[i]) return false;
  return true;
}
