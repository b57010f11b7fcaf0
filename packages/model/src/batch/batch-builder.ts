import { ByteWriter, bytesEqual, hash32 } from '@tidemark/base';
import { type Labels, writeLabels } from '../labels.ts';
import { wordsOf } from '../stale.ts';
import { ExemplarBuilder } from './exemplar-builder.ts';
import { HistogramBuilder } from './histogram-builder.ts';
import type { SampleBatch } from './sample-batch.ts';
import { METRIC_TYPES, type MetricType, type SeriesSection } from './series-section.ts';

// Collects samples into a batch. Callers with canonical bytes at hand use `seriesOf`; callers with text use `addLabels`.
// The same labels given twice are one series.

const LOAD_NUMERATOR = 2; // table slots per series, at least: linear probing stays short below one half

export class BatchBuilder {
  readonly tenant: string;
  readonly #labels = new ByteWriter(4096);
  readonly #scratch = new ByteWriter(512);
  #labelEnds = new Uint32Array(64);
  #types = new Uint8Array(64);
  #units: string[] | undefined;
  #startTimesMs: Float64Array | undefined;
  #seriesCount = 0;
  #table = new Int32Array(128).fill(-1);
  #sampleSeries = new Uint32Array(64);
  #timestampsMs = new Float64Array(64);
  #values = new Float64Array(64);
  #sampleCount = 0;
  #exemplars: ExemplarBuilder | undefined;
  #histograms: HistogramBuilder | undefined;

  constructor(tenant: string) {
    this.tenant = tenant;
  }

  get sampleCount(): number {
    return this.#sampleCount;
  }

  get seriesCount(): number {
    return this.#seriesCount;
  }

  get labelBytes(): number {
    return this.#labels.length;
  }

  /** One sample with labels as text. */
  addLabels(labels: Labels, timestampMs: number, value: number, type: MetricType = 'unknown'): void {
    this.#scratch.reset();
    writeLabels(this.#scratch, labels);
    this.add(this.seriesOf(this.#scratch.bytes, 0, this.#scratch.length, type), timestampMs, value);
  }

  /** The index of the series with these canonical labels, made if new. */
  seriesOf(
    bytes: Uint8Array,
    start: number,
    end: number,
    type: MetricType = 'unknown',
    unit = '',
    startTimeMs = Number.NaN,
  ): number {
    const mask = this.#table.length - 1;
    let slot = hash32(bytes, start, end) & mask;
    for (;;) {
      const index = this.#table[slot] as number;
      if (index < 0) break;
      const from = index === 0 ? 0 : (this.#labelEnds[index - 1] as number);
      if (bytesEqual(this.#labels.bytes, from, this.#labelEnds[index] as number, bytes, start, end)) return index;
      slot = (slot + 1) & mask;
    }
    const index = this.#seriesCount++;
    if (index === this.#labelEnds.length) this.#growSeries();
    this.#labels.raw(bytes.subarray(start, end));
    this.#labelEnds[index] = this.#labels.length;
    this.#types[index] = METRIC_TYPES.indexOf(type);
    if (unit !== '') {
      this.#units ??= new Array<string>(index).fill('');
    }
    this.#units?.push(unit);
    if (startTimeMs === startTimeMs) this.#startTimesMs ??= new Float64Array(this.#labelEnds.length).fill(Number.NaN);
    if (this.#startTimesMs) this.#startTimesMs[index] = startTimeMs;
    this.#table[slot] = index;
    if (this.#seriesCount * LOAD_NUMERATOR > this.#table.length) this.#rehash();
    return index;
  }

  add(series: number, timestampMs: number, value: number): void {
    const at = this.#sampleCount++;
    if (at === this.#values.length) this.#growSamples();
    this.#sampleSeries[at] = series;
    this.#timestampsMs[at] = timestampMs;
    this.#values[at] = value;
  }

  /** As `add`, the value as its two words: a number in between might lose which NaN it is. */
  addWords(series: number, timestampMs: number, low: number, high: number): void {
    const at = this.#sampleCount;
    this.add(series, timestampMs, 0);
    const words = wordsOf(this.#values);
    words[at * 2] = low;
    words[at * 2 + 1] = high;
  }

  /** As `HistogramBuilder.add`. */
  addHistogram(series: number, timestampMs: number, bytes: Uint8Array): void {
    this.#histograms ??= new HistogramBuilder();
    this.#histograms.add(series, timestampMs, bytes);
  }

  /** As `ExemplarBuilder.add`. */
  addExemplar(series: number, timestampMs: number, value: number, labels: Uint8Array, hasNoTime = false): void {
    this.#exemplars ??= new ExemplarBuilder();
    this.#exemplars.add(series, timestampMs, value, labels, hasNoTime);
  }

  /** The batch; copies, so the builder may go on or be thrown away. */
  build(admittedAtMs: number): SampleBatch {
    const count = this.#seriesCount;
    const series: SeriesSection = {
      count,
      labelBytes: this.#labels.finish(),
      labelEnds: this.#labelEnds.slice(0, count),
      types: this.#types.slice(0, count),
      units: this.#units?.slice(),
      startTimesMs: this.#startTimesMs?.slice(0, count),
    };
    return {
      tenant: this.tenant,
      admittedAtMs,
      series,
      sampleSeries: this.#sampleSeries.slice(0, this.#sampleCount),
      timestampsMs: this.#timestampsMs.slice(0, this.#sampleCount),
      values: this.#values.slice(0, this.#sampleCount),
      histograms: this.#histograms?.build(),
      exemplars: this.#exemplars?.build(),
      metadata: undefined,
    };
  }

  #growSeries(): void {
    const size = this.#labelEnds.length * 2;
    const ends = new Uint32Array(size);
    ends.set(this.#labelEnds);
    this.#labelEnds = ends;
    const types = new Uint8Array(size);
    types.set(this.#types);
    this.#types = types;
    if (this.#startTimesMs) {
      const starts = new Float64Array(size).fill(Number.NaN);
      starts.set(this.#startTimesMs);
      this.#startTimesMs = starts;
    }
  }

  #growSamples(): void {
    const size = this.#values.length * 2;
    const series = new Uint32Array(size);
    series.set(this.#sampleSeries);
    this.#sampleSeries = series;
    const times = new Float64Array(size);
    times.set(this.#timestampsMs);
    this.#timestampsMs = times;
    const values = new Float64Array(size);
    values.set(this.#values);
    this.#values = values;
  }

  #rehash(): void {
    const table = new Int32Array(this.#table.length * 4).fill(-1);
    const mask = table.length - 1;
    for (let index = 0; index < this.#seriesCount; index++) {
      const start = index === 0 ? 0 : (this.#labelEnds[index - 1] as number);
      let slot = hash32(this.#labels.bytes, start, this.#labelEnds[index] as number) & mask;
      while ((table[slot] as number) >= 0) slot = (slot + 1) & mask;
      table[slot] = index;
    }
    this.#table = table;
  }
}
