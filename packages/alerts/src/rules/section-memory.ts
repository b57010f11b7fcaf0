import { BatchBuilder, type SampleBatch, type SeriesSection } from '@tidemark/model';
import type { RuleSample } from './written-series.ts';

// A group writes the same series at every evaluation. Their labels are encoded once, and the section that holds them is used
// again for as long as nothing changes, so that whoever takes the batch knows it again too.

export class SectionMemory {
  #keys: readonly string[] = [];
  #section: SeriesSection | undefined;
  #sampleSeries: Uint32Array = new Uint32Array(0);

  /** All samples at one time, in order; the same series twice is one series with two samples. */
  batch(tenant: string, samples: readonly RuleSample[], atMs: number): SampleBatch {
    const values = Float64Array.from(samples, ({ value }) => value);
    const timestampsMs = new Float64Array(samples.length).fill(atMs);
    if (!this.#isSame(samples)) this.#remember(tenant, samples, atMs);
    return {
      tenant,
      admittedAtMs: 0,
      series: this.#section as SeriesSection,
      sampleSeries: this.#sampleSeries,
      timestampsMs,
      values,
      histograms: undefined,
      exemplars: undefined,
      metadata: undefined,
    };
  }

  #isSame(samples: readonly RuleSample[]): boolean {
    if (this.#section === undefined || samples.length !== this.#keys.length) return false;
    for (let i = 0; i < samples.length; i++) if ((samples[i] as RuleSample).key !== this.#keys[i]) return false;
    return true;
  }

  #remember(tenant: string, samples: readonly RuleSample[], atMs: number): void {
    const builder = new BatchBuilder(tenant);
    for (const { labels, value } of samples) builder.addLabels(labels, atMs, value);
    const { series, sampleSeries } = builder.build(0);
    this.#keys = samples.map(({ key }) => key);
    this.#section = series;
    this.#sampleSeries = sampleSeries;
  }
}
