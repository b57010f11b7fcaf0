import { BatchBuilder, encodeHistogram, HistogramBuilder, type SampleBatch, type SeriesSection } from '@tidemark/model';
import type { RuleSample } from './written-series.ts';

// A group writes the same series at every evaluation. Their labels are encoded once, and the section that holds them is used
// again for as long as nothing changes, so that whoever takes the batch knows it again too.

export class SectionMemory {
  #keys: readonly string[] = [];
  #section: SeriesSection | undefined;
  /** The series of each sample, numbers and histograms. */
  #seriesOf: Uint32Array = new Uint32Array(0);

  /** All samples at one time: the numbers among them in order, and the histograms; the same series twice is one series with two samples. */
  batch(tenant: string, samples: readonly RuleSample[], atMs: number): SampleBatch {
    if (!this.#isSame(samples)) this.#remember(tenant, samples, atMs);
    const isNumber = ({ histogram }: RuleSample) => histogram === undefined;
    const numbers = samples.every(isNumber) ? samples : samples.filter(isNumber);
    return {
      tenant,
      admittedAtMs: 0,
      series: this.#section as SeriesSection,
      sampleSeries:
        numbers === samples
          ? this.#seriesOf
          : this.#seriesOf.filter((_, i) => (samples[i] as RuleSample).histogram === undefined),
      timestampsMs: new Float64Array(numbers.length).fill(atMs),
      values: Float64Array.from(numbers, ({ value }) => value),
      histograms: numbers === samples ? undefined : this.#histograms(samples, atMs),
      exemplars: undefined,
      metadata: undefined,
    };
  }

  #histograms(samples: readonly RuleSample[], atMs: number) {
    const builder = new HistogramBuilder();
    samples.forEach(({ histogram }, i) => {
      if (histogram) builder.add(this.#seriesOf[i] as number, atMs, encodeHistogram(histogram));
    });
    return builder.build();
  }

  #isSame(samples: readonly RuleSample[]): boolean {
    if (this.#section === undefined || samples.length !== this.#keys.length) return false;
    for (let i = 0; i < samples.length; i++) if ((samples[i] as RuleSample).key !== this.#keys[i]) return false;
    return true;
  }

  #remember(tenant: string, samples: readonly RuleSample[], atMs: number): void {
    const builder = new BatchBuilder(tenant);
    for (const { labels } of samples) builder.addLabels(labels, atMs, 0);
    const { series, sampleSeries } = builder.build(0);
    this.#keys = samples.map(({ key }) => key);
    this.#section = series;
    this.#seriesOf = sampleSeries;
  }
}
