import { type Column, Columns } from '../chunk/columns.ts';
import { HistogramPages } from './histogram-pages.ts';
import { replaces } from './resolve.ts';

// Entries that came behind what their series had already finished: kept as they came until the next checkpoint, then sorted
// into chunks of their own. A chunk of these always outranks a chunk that came in order: an entry only lands here when its
// time is at or below what the series has finished, so whatever came in order at that time came before. Native histograms come here too,
// in order or not (head.ts).

const LEAST = 64;
// 4,096 entries are 64 KB of samples and 430 KB of rows. What a storm of late ones needed beyond is let go when it is drained.
const KEEP = 4_096;

export class OutOfOrder {
  entries: Columns;
  #refs = new Uint32Array(LEAST);
  readonly #pages = new HistogramPages();

  constructor(columnCount: number) {
    this.entries = new Columns(columnCount, LEAST);
  }

  get count(): number {
    return this.entries.length;
  }

  /** What is held, used or not. */
  get bytes(): number {
    const { timestampsMs, columnCount } = this.entries;
    return timestampsMs.length * 8 * (1 + columnCount) + this.#refs.length * 4 + this.histogramBytes;
  }

  /** Of the histograms that wait. */
  get histogramBytes(): number {
    return this.#pages.bytes;
  }

  refAt(i: number): number {
    return this.#refs[i] as number;
  }

  /** `histogram` is copied. */
  add(ref: number, timestampMs: number, source: readonly Column[], i: number, histogram?: Uint8Array): void {
    this.entries.reserve(1);
    const at = this.entries.length++;
    this.entries.setHistogram(at, histogram && this.#pages.keep(histogram));
    if (at === this.#refs.length) {
      const refs = new Uint32Array(at * 2);
      refs.set(this.#refs);
      this.#refs = refs;
    }
    this.#refs[at] = ref;
    this.entries.timestampsMs[at] = timestampMs;
    for (let c = 0; c < source.length; c++) {
      const { words } = this.entries.columns[c] as Column;
      const from = (source[c] as Column).words;
      words[at * 2] = from[i * 2] as number;
      words[at * 2 + 1] = from[i * 2 + 1] as number;
    }
  }

  /**
   * Hands out everything, series by series, times rising and each once, and is empty after. Returns how many entries another
   * one replaced.
   */
  drain(emit: (ref: number, run: Columns, from: number, to: number) => void): number {
    const { entries } = this;
    const count = entries.length;
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) order[i] = i;
    const refs = this.#refs;
    const times = entries.timestampsMs;
    // By series, then time, then arrival: the last of equal times is the last in log order.
    order.sort(
      (a, b) => (refs[a] as number) - (refs[b] as number) || (times[a] as number) - (times[b] as number) || a - b,
    );
    const run = new Columns(entries.columnCount, 64);
    let replaced = 0;
    for (let at = 0; at < count; ) {
      const ref = refs[order[at] as number] as number;
      run.reset();
      for (; at < count && refs[order[at] as number] === ref; at++) {
        const i = order[at] as number;
        const last = run.length - 1;
        if (last >= 0 && run.timestampsMs[last] === times[i]) {
          replaced++;
          if (!replaces(run.columns, last, entries.columns, i)) continue;
          run.length = last;
        }
        run.addRange(entries, i, i + 1);
      }
      emit(ref, run, 0, run.length);
    }
    this.#empty();
    return replaced;
  }

  #empty(): void {
    this.#pages.clear();
    if (this.entries.timestampsMs.length <= KEEP) {
      this.entries.reset();
      return;
    }
    this.entries = new Columns(this.entries.columnCount, LEAST);
    this.#refs = new Uint32Array(LEAST);
  }
}
