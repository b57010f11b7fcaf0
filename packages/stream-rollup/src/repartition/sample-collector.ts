import {
  BatchBuilder,
  decodeLabels,
  METRIC_TYPES,
  type SampleBatch,
  SampleDecoder,
  type SamplePlan,
} from '@tidemark/model';
import { histogramProblem, histogramSamples, mayBeHistogram } from './classic-histogram.ts';
import type { RepartitionOptions } from './options.ts';

// Decoded records, gathered into one batch per tenant. Each is one series and one sample, or a histogram's worth; the sink makes
// of the batches what it makes of any: admits, routes, publishes.

/** Why a record that could be read is no sample. Stable; the counter's label. */
export type SampleRefusal =
  | 'label_duplicate'
  | 'label_name_empty'
  | 'timestamp_invalid'
  | 'value_missing'
  | 'value_and_histogram'
  | 'histogram_invalid'
  | 'unit_too_long';

export class SampleCollector {
  readonly #options: RepartitionOptions;
  readonly #decoder = new SampleDecoder();
  #byTenant = new Map<string, BatchBuilder>();
  #samples = 0;
  #labelBytes = 0;

  constructor(options: RepartitionOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#samples >= this.#options.batchSamplesMax || this.#labelBytes >= this.#options.batchLabelBytesMax;
  }

  /** Returns why it was refused, or undefined. Throws what `SampleDecoder.decode` throws; then nothing was added. */
  add(tenant: string, value: Uint8Array, plan: SamplePlan): SampleRefusal | undefined {
    const sample = this.#decoder;
    sample.decode(value, plan);
    const problem = this.#problem();
    if (problem !== undefined) return problem;
    const builder = this.#of(tenant);
    const before = [builder.sampleCount, builder.labelBytes] as const;
    if (sample.histogram) this.#addHistogram(builder);
    else this.#addValue(builder);
    this.#samples += builder.sampleCount - before[0];
    this.#labelBytes += builder.labelBytes - before[1];
    return undefined;
  }

  /** What was gathered, and a fresh start. `admittedAtMs` is the sink's to set. */
  take(): readonly SampleBatch[] {
    const batches = [...this.#byTenant.values()].map((builder) => builder.build(0));
    this.#byTenant = new Map();
    this.#samples = this.#labelBytes = 0;
    return batches;
  }

  #problem(): SampleRefusal | undefined {
    const { complaint, timestampMs, startTimeMs, hasValue, histogram, labels, unit } = this.#decoder;
    if (complaint) return complaint.reason as 'label_duplicate' | 'label_name_empty';
    const startIsWrong = startTimeMs === startTimeMs && !Number.isSafeInteger(startTimeMs);
    if (!Number.isSafeInteger(timestampMs) || startIsWrong) return 'timestamp_invalid';
    if (unit.length > this.#options.unitBytesMax) return 'unit_too_long';
    if (!histogram) return hasValue ? undefined : 'value_missing';
    if (hasValue) return 'value_and_histogram';
    const isWrong = histogramProblem(histogram, this.#options.bucketsMax) !== undefined || !mayBeHistogram(labels);
    return isWrong ? 'histogram_invalid' : undefined;
  }

  #of(tenant: string): BatchBuilder {
    let builder = this.#byTenant.get(tenant);
    if (!builder) {
      builder = new BatchBuilder(tenant);
      this.#byTenant.set(tenant, builder);
    }
    return builder;
  }

  #addValue(builder: BatchBuilder): void {
    const { labels, type, unit, startTimeMs, timestampMs, valueLow, valueHigh, exemplar } = this.#decoder;
    const series = builder.seriesOf(labels, 0, labels.length, METRIC_TYPES[type], unit, startTimeMs);
    builder.addWords(series, timestampMs, valueLow, valueHigh);
    if (!exemplar) return;
    const hasTime = Number.isSafeInteger(exemplar.timestampMs);
    const atMs = hasTime ? exemplar.timestampMs : timestampMs;
    builder.addExemplar(series, atMs, exemplar.value, exemplar.labels, !hasTime);
  }

  #addHistogram(builder: BatchBuilder): void {
    const { labels, histogram, timestampMs } = this.#decoder;
    if (!histogram) return;
    for (const sample of histogramSamples(decodeLabels(labels), histogram)) {
      builder.addLabels(sample.labels, timestampMs, sample.value, 'histogram');
    }
  }
}
