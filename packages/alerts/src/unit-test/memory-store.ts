import { type Clock, TidemarkError } from '@tidemark/base';
import {
  type AppendOutcome,
  decodeHistogram,
  histogramBytes,
  type InstantAnswer,
  type InstantQuery,
  isStale,
  type Labels,
  labelValue,
  type NativeHistogram,
  type QueryPort,
  type SampleBatch,
  type SampleSink,
  type SelectedHistograms,
  type SelectedSeries,
  type SelectRequest,
  sectionLabels,
  writeStale,
} from '@tidemark/model';
import { createEngine, type Engine, type EngineOptions, toNative } from '@tidemark/promql';
import { seriesKey } from '../rules/written-series.ts';

// A time series database in a few lines: series in memory, PromQL over them, and a sink that writes into them. What a rule
// writes is visible to the next question.

interface Stored {
  readonly labels: Labels;
  /** Rising. */
  readonly timesMs: number[];
  readonly values: StoredValue[];
}

type StoredValue = number | 'stale' | NativeHistogram;

export class MemoryStore implements QueryPort, SampleSink {
  readonly engine: Engine;
  readonly #series = new Map<string, Stored>();

  constructor(clock: Clock, options: Partial<EngineOptions> = {}) {
    this.engine = createEngine({ source: this, clock, options });
  }

  /** Another value at the same time takes the place of the one before. */
  add(labels: Labels, atMs: number, value: StoredValue): void {
    const key = seriesKey(labels);
    let stored = this.#series.get(key);
    if (!stored) {
      stored = { labels, timesMs: [], values: [] };
      this.#series.set(key, stored);
    }
    const { timesMs, values } = stored;
    const at = lowerBound(timesMs, atMs);
    const isThere = timesMs[at] === atMs;
    timesMs.splice(at, isThere ? 1 : 0, atMs);
    values.splice(at, isThere ? 1 : 0, value);
  }

  async append(batch: SampleBatch): Promise<AppendOutcome> {
    batch.values.forEach((value, i) => {
      const labels = sectionLabels(batch.series, batch.sampleSeries[i] as number);
      this.add(labels, batch.timestampsMs[i] as number, isStale(value) ? 'stale' : value);
    });
    const { histograms } = batch;
    histograms?.series.forEach((series, i) => {
      const labels = sectionLabels(batch.series, series);
      this.add(labels, histograms.timestampsMs[i] as number, decodeHistogram(histogramBytes(histograms, i)));
    });
    return { accepted: batch.values.length + (histograms?.series.length ?? 0), refused: [] };
  }

  async evaluate({ tenant, expression, atMs, signal }: InstantQuery): Promise<InstantAnswer> {
    const { data, warnings } = await this.engine.instant({ tenant, expression, atMs, signal });
    if (data.kind === 'vector') {
      const samples = data.samples.map(({ labels, value, histogram }) => ({
        labels,
        value,
        histogram: histogram && toNative(histogram),
      }));
      return { samples, warnings, fresh: true };
    }
    if (data.kind === 'scalar') return { samples: [{ labels: [], value: data.value }], warnings, fresh: true };
    throw new TidemarkError('PROMQL_TYPE', `a rule needs a vector or a scalar, ${expression} is a ${data.kind}`);
  }

  async select({ matchers, range }: SelectRequest): Promise<{ series: SelectedSeries[]; warnings: string[] }> {
    const series: SelectedSeries[] = [];
    for (const { labels, timesMs, values } of this.#series.values()) {
      if (!matchers.every((matcher) => matcher.matches(labelValue(labels, matcher.name)))) continue;
      const from = lowerBound(timesMs, range.startMs);
      const to = lowerBound(timesMs, range.endMs);
      if (to <= from) continue;
      series.push({
        labels,
        timestampsMs: Float64Array.from(timesMs.slice(from, to)),
        values: columnOf(values.slice(from, to)),
        histograms: histogramsOf(values.slice(from, to)),
      });
    }
    return { series, warnings: [] };
  }
}

/** The first index whose time is not before `ms`. */
function lowerBound(timesMs: readonly number[], ms: number): number {
  let [low, high] = [0, timesMs.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timesMs[middle] as number) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

function histogramsOf(list: readonly StoredValue[]): SelectedHistograms | undefined {
  const entries: number[] = [];
  const histograms: NativeHistogram[] = [];
  list.forEach((value, i) => {
    if (typeof value !== 'object') return;
    entries.push(i);
    histograms.push(value);
  });
  return entries.length === 0 ? undefined : { entries: Uint32Array.from(entries), histograms };
}

function columnOf(list: readonly StoredValue[]): Float64Array {
  const values = new Float64Array(list.length);
  list.forEach((value, i) => {
    if (value === 'stale') writeStale(values, i);
    else values[i] = typeof value === 'number' ? value : Number.NaN;
  });
  return values;
}
