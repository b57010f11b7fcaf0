import {
  BatchBuilder,
  encodeLabels,
  type Labels,
  labelsOf,
  type SampleBatch,
  type SeriesSection,
  writeStale,
} from '@tidemark/model';
import { hostMetadata } from './host-help.ts';
import type { HostSample } from './host-sample.ts';

// Turns the samples of a tick into a batch. As long as the host has the same series in the same order, batch after batch
// carries the same section object, so that whoever resolved its labels once need not do it again.
//
//   tick 1   a b c     section 1
//   tick 2   a b c     section 1
//   tick 3   a c       section 2: a c b, and b gets the stale marker: it ended here
//   tick 4   a c       section 3

interface KnownSeries {
  readonly keys: readonly string[];
  readonly section: SeriesSection;
  /** Series of each sample: the same series twice in a tick is one. */
  readonly sampleSeries: Uint32Array;
}

// As often as scraped pages are read for theirs.
const METADATA_EVERY_MS = 10 * 60_000;

export class HostBatcher {
  readonly #tenant: string;
  readonly #targetLabels: Labels;
  #known: KnownSeries | undefined;
  #before: readonly HostSample[] = [];
  #beforeKeys: readonly string[] = [];
  #metadataDueMs = Number.NEGATIVE_INFINITY;

  /** `targetLabels` are added to every series: job and instance. */
  constructor(tenant: string, targetLabels: Labels) {
    this.#tenant = tenant;
    this.#targetLabels = targetLabels;
  }

  /** `atMs` is the time of every sample. Series of the last batch that are missing now end with the stale marker. */
  batch(samples: readonly HostSample[], atMs: number): SampleBatch {
    const keys = samples.map(keyOf);
    const ended = this.#endedSince(keys);
    const all = ended.length === 0 ? samples : [...samples, ...ended];
    const known = this.#seriesOf(all, ended.length === 0 ? keys : all.map(keyOf));
    this.#before = samples;
    this.#beforeKeys = keys;
    const tellsMetadata = atMs >= this.#metadataDueMs;
    if (tellsMetadata) this.#metadataDueMs = atMs + METADATA_EVERY_MS;
    const values = Float64Array.from(all, (sample) => sample.value);
    for (let i = samples.length; i < all.length; i++) writeStale(values, i);
    return {
      tenant: this.#tenant,
      admittedAtMs: atMs,
      series: known.section,
      sampleSeries: known.sampleSeries,
      timestampsMs: new Float64Array(all.length).fill(atMs),
      values,
      histograms: undefined,
      exemplars: undefined,
      metadata: tellsMetadata ? hostMetadata(all) : undefined,
    };
  }

  #endedSince(keys: readonly string[]): readonly HostSample[] {
    if (sameKeys(keys, this.#beforeKeys)) return [];
    const present = new Set(keys);
    return this.#before.filter((_, i) => !present.has(this.#beforeKeys[i] as string));
  }

  #seriesOf(samples: readonly HostSample[], keys: readonly string[]): KnownSeries {
    if (this.#known && sameKeys(keys, this.#known.keys)) return this.#known;
    // What is new may be of a metric nobody was told of.
    if (this.#known) this.#metadataDueMs = Number.NEGATIVE_INFINITY;
    const builder = new BatchBuilder(this.#tenant);
    const sampleSeries = Uint32Array.from(samples, (sample) => {
      const bytes = encodeLabels(this.#labelsOf(sample));
      return builder.seriesOf(bytes, 0, bytes.length, sample.type);
    });
    this.#known = { keys, section: builder.build(0).series, sampleSeries };
    return this.#known;
  }

  #labelsOf(sample: HostSample): Labels {
    const labels = [...this.#targetLabels, { name: '__name__', value: sample.name }];
    for (let i = 0; i + 1 < sample.labels.length; i += 2) {
      labels.push({ name: sample.labels[i] as string, value: sample.labels[i + 1] as string });
    }
    return labelsOf(labels);
  }
}

function keyOf(sample: HostSample): string {
  return `${sample.name}\u0000${sample.labels.join('\u0000')}`;
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, i) => key === b[i]);
}
