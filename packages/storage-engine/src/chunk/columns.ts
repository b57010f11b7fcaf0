import { wordsOf } from '@tidemark/model';

// A growable set of columns beside their times: what a chunk is made from and read into. Samples have one column, the value;
// rows have twelve (rollup-columns.ts). A sample may be a native histogram instead: its bytes stand beside, its value is NaN.

export interface Column {
  values: Float64Array;
  /** The same memory as u32 words, low word first: bits travel through these where a NaN's payload matters. */
  words: Uint32Array;
}

export class Columns {
  timestampsMs: Float64Array;
  readonly columns: readonly Column[];
  length = 0;
  /** By entry, the bytes of those that are histograms; undefined: none is. Nothing is meant by what stands behind the last entry. */
  histograms: (Uint8Array | undefined)[] | undefined;

  constructor(columnCount: number, capacity = 256) {
    this.timestampsMs = new Float64Array(capacity);
    this.columns = Array.from({ length: columnCount }, () => makeColumn(new Float64Array(capacity)));
  }

  get columnCount(): number {
    return this.columns.length;
  }

  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.timestampsMs.length) return;
    const capacity = Math.max(needed, this.timestampsMs.length * 2);
    this.timestampsMs = grown(this.timestampsMs, capacity);
    for (const column of this.columns) {
      column.values = grown(column.values, capacity);
      column.words = wordsOf(column.values);
    }
  }

  reset(): void {
    this.length = 0;
    this.histograms = undefined;
  }

  /** Whether any entry in `[from, to)` is a histogram. */
  hasHistograms(from: number, to: number): boolean {
    if (this.histograms === undefined) return false;
    for (let i = from; i < to; i++) if (this.histograms[i] !== undefined) return true;
    return false;
  }

  /** Says what entry `i` is: a histogram, or a number. */
  setHistogram(i: number, bytes: Uint8Array | undefined): void {
    if (bytes === undefined && this.histograms === undefined) return;
    this.histograms ??= [];
    this.histograms[i] = bytes;
  }

  /** Adds `source[from, to)`. */
  addRange(source: Columns, from: number, to: number): void {
    this.reserve(to - from);
    this.timestampsMs.set(source.timestampsMs.subarray(from, to), this.length);
    for (let c = 0; c < this.columns.length; c++) {
      (this.columns[c] as Column).words.set(
        (source.columns[c] as Column).words.subarray(from * 2, to * 2),
        this.length * 2,
      );
    }
    if (source.histograms !== undefined || this.histograms !== undefined) {
      for (let i = from; i < to; i++) this.setHistogram(this.length + i - from, source.histograms?.[i]);
    }
    this.length += to - from;
  }

  /** Moves entry `from` to `to`, over what was there. */
  move(from: number, to: number): void {
    this.timestampsMs[to] = this.timestampsMs[from] as number;
    if (this.histograms !== undefined) this.histograms[to] = this.histograms[from];
    for (const { words } of this.columns) {
      words[to * 2] = words[from * 2] as number;
      words[to * 2 + 1] = words[from * 2 + 1] as number;
    }
  }
}

export function makeColumn(values: Float64Array): Column {
  return { values, words: wordsOf(values) };
}

function grown(values: Float64Array, capacity: number): Float64Array {
  const wider = new Float64Array(capacity);
  // As words: a copy of doubles one by one might quiet a signalling NaN on some machine.
  wordsOf(wider).set(wordsOf(values));
  return wider;
}
