import {
  ExemplarBuilder,
  type ExemplarText,
  type MetricMetadata,
  type SampleBatch,
  type SeriesSection,
  writeStale,
} from '@tidemark/model';

// The samples of one scrape while they come in; then they are a batch and belong to it.

export class SampleColumns {
  #refs: Uint32Array<ArrayBuffer>;
  #timesMs: Float64Array<ArrayBuffer>;
  #values: Float64Array<ArrayBuffer>;
  count = 0;
  #exemplars: ExemplarBuilder | undefined;

  constructor(expected: number) {
    const size = Math.max(64, expected);
    this.#refs = new Uint32Array(size);
    this.#timesMs = new Float64Array(size);
    this.#values = new Float64Array(size);
  }

  reset(): void {
    this.count = 0;
    this.#exemplars = undefined;
  }

  /** Of the sample added last. */
  addExemplar({ labels, value, timestampMs }: ExemplarText): void {
    this.#exemplars ??= new ExemplarBuilder();
    const last = this.count - 1;
    const hasNoTime = Number.isNaN(timestampMs);
    const atMs = hasNoTime ? (this.#timesMs[last] as number) : timestampMs;
    this.#exemplars.add(this.#refs[last] as number, atMs, value, labels.view(), hasNoTime);
  }

  add(ref: number, timeMs: number, value: number): void {
    if (this.count === this.#refs.length) this.#grow();
    const at = this.count++;
    this.#refs[at] = ref;
    this.#timesMs[at] = timeMs;
    this.#values[at] = value;
  }

  addStale(ref: number, timeMs: number): void {
    this.add(ref, timeMs, 0);
    writeStale(this.#values, this.count - 1);
  }

  /** The columns are the batch's from now on. */
  batch(
    tenant: string,
    admittedAtMs: number,
    series: SeriesSection,
    metadata: readonly MetricMetadata[] | undefined,
  ): SampleBatch {
    return {
      tenant,
      admittedAtMs,
      series,
      sampleSeries: this.#refs.subarray(0, this.count),
      timestampsMs: this.#timesMs.subarray(0, this.count),
      values: this.#values.subarray(0, this.count),
      histograms: undefined,
      exemplars: this.#exemplars?.build(),
      metadata,
    };
  }

  #grow(): void {
    const size = this.#refs.length * 2;
    const refs = new Uint32Array(size);
    refs.set(this.#refs);
    this.#refs = refs;
    const timesMs = new Float64Array(size);
    timesMs.set(this.#timesMs);
    this.#timesMs = timesMs;
    const values = new Float64Array(size);
    values.set(this.#values);
    this.#values = values;
  }
}
