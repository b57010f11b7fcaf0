import { type Labels, type SelectedSeries, wordsOf } from '@tidemark/model';
import type { Column } from '../chunk/columns.ts';
import type { Entries } from './decode.ts';
import { selectedHistograms } from './histograms.ts';

// Columns of an answer, in few pieces of memory: a buffer of its own for each of ten thousand series costs more than what is in it.
//
//   values   |series 1|series 2|series 3|...    side by side in buffers that grow from small to large
//   times    series of one scrape have the same: they share one array

const DOUBLES_FIRST = 4096;
// 512 KiB: a few hundred series of an hour; what is left over at the end is little beside it.
const DOUBLES_MOST = 65_536;
// Below it a loop is cheaper than a view of what is to be copied.
const FEW = 128;

export class SampleColumns {
  #buffer = new Float64Array(0);
  #words: Uint32Array = new Uint32Array(0);
  #used = 0;
  #doubles = DOUBLES_FIRST;
  #times: Float64Array = new Float64Array(0);

  /** The entries as a series of its own. */
  take(labels: Labels, { columns: { timestampsMs, columns, histograms }, from, to, inStep }: Entries): SelectedSeries {
    return {
      labels,
      timestampsMs: inStep ? this.#times : this.#timesOf(timestampsMs, from, to),
      values: this.#copyValues(columns[0] as Column, from, to),
      histograms: selectedHistograms(histograms, from, to),
    };
  }

  #timesOf(times: Float64Array, from: number, to: number): Float64Array {
    if (!sameTimes(this.#times, times, from, to)) this.#times = this.#copy(times, from, to);
    return this.#times;
  }

  #copy(source: Float64Array, from: number, to: number): Float64Array {
    if (to - from > DOUBLES_FIRST) return source.slice(from, to);
    const at = this.#room(to - from);
    this.#buffer.set(source.subarray(from, to), at);
    return this.#buffer.subarray(at, this.#used);
  }

  /** As words or bytes: a NaN keeps its payload. */
  #copyValues({ values, words }: Column, from: number, to: number): Float64Array {
    if (to - from > FEW) return this.#copy(values, from, to);
    const at = this.#room(to - from);
    const into = this.#words;
    for (let i = from * 2, k = at * 2; i < to * 2; i++, k++) into[k] = words[i] as number;
    return this.#buffer.subarray(at, this.#used);
  }

  /** Where the next `count` doubles stand in the buffer. */
  #room(count: number): number {
    if (this.#used + count > this.#buffer.length) {
      this.#buffer = new Float64Array(this.#doubles);
      this.#words = wordsOf(this.#buffer);
      this.#doubles = Math.min(this.#doubles * 2, DOUBLES_MOST);
      this.#used = 0;
    }
    this.#used += count;
    return this.#used - count;
  }
}

function sameTimes(known: Float64Array, times: Float64Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  // Two scrapes differ at once, and most at the end.
  for (let i = to - 1; i >= from; i--) if (known[i - from] !== times[i]) return false;
  return true;
}
