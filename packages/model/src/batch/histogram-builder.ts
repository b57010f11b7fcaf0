import { ByteWriter } from '@tidemark/base';
import type { HistogramColumns } from './sample-batch.ts';

/** Native histograms while they come in, one by one; then they are columns of a batch. */
export class HistogramBuilder {
  readonly #series: number[] = [];
  readonly #timestampsMs: number[] = [];
  readonly #ends: number[] = [];
  readonly #bytes = new ByteWriter(1024);

  get count(): number {
    return this.#series.length;
  }

  /** `bytes` are as histogram/codec.ts writes them, and copied. */
  add(series: number, timestampMs: number, bytes: Uint8Array): void {
    this.#series.push(series);
    this.#timestampsMs.push(timestampMs);
    this.#bytes.raw(bytes);
    this.#ends.push(this.#bytes.length);
  }

  /** Undefined when there are none. */
  build(): HistogramColumns | undefined {
    if (this.count === 0) return undefined;
    return {
      series: Uint32Array.from(this.#series),
      timestampsMs: Float64Array.from(this.#timestampsMs),
      ends: Uint32Array.from(this.#ends),
      bytes: this.#bytes.finish(),
    };
  }
}

/** The bytes of histogram `index`; a view. */
export function histogramBytes({ bytes, ends }: HistogramColumns, index: number): Uint8Array {
  return bytes.subarray(index === 0 ? 0 : ends[index - 1], ends[index]);
}
