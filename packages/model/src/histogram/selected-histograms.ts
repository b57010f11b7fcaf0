import type { NativeHistogram, SelectedHistograms } from './native-histogram.ts';

/** Native histograms of parts that are put one behind the other, each with so many entries before it; undefined where there are none. */
export class HistogramEntries {
  readonly #entries: number[] = [];
  readonly #histograms: NativeHistogram[] = [];

  add(entry: number, histogram: NativeHistogram): void {
    this.#entries.push(entry);
    this.#histograms.push(histogram);
  }

  addAll({ entries, histograms }: SelectedHistograms, before: number): void {
    for (const [i, histogram] of histograms.entries()) this.add(before + (entries[i] as number), histogram);
  }

  finish(): SelectedHistograms | undefined {
    if (this.#entries.length === 0) return undefined;
    return { entries: Uint32Array.from(this.#entries), histograms: this.#histograms };
  }
}
