import type { Clock } from '@tidemark/base';
import {
  type AppendOutcome,
  type InstantAnswer,
  type InstantQuery,
  isStale,
  type Labels,
  labelValue,
  type QueryPort,
  type SampleBatch,
  type SampleSink,
  type SelectedSeries,
  type SelectRequest,
  sectionLabels,
  writeStale,
} from '@tidemark/model';
import { createEngine, type Engine } from '@tidemark/promql';
import { seriesKey } from '../rules/written-series.ts';

// A time series database in a few lines: series in memory, PromQL over them, and a sink that writes into them. What a rule
// writes is visible to the next question.

interface Stored {
  readonly labels: Labels;
  readonly values: Map<number, number | 'stale'>;
}

export class MemoryStore implements QueryPort, SampleSink {
  readonly engine: Engine;
  readonly #series = new Map<string, Stored>();

  constructor(clock: Clock) {
    this.engine = createEngine({ source: this, clock });
  }

  add(labels: Labels, atMs: number, value: number | 'stale'): void {
    const key = seriesKey(labels);
    let stored = this.#series.get(key);
    if (!stored) {
      stored = { labels, values: new Map() };
      this.#series.set(key, stored);
    }
    stored.values.set(atMs, value);
  }

  async append(batch: SampleBatch): Promise<AppendOutcome> {
    batch.values.forEach((value, i) => {
      const labels = sectionLabels(batch.series, batch.sampleSeries[i] as number);
      this.add(labels, batch.timestampsMs[i] as number, isStale(value) ? 'stale' : value);
    });
    return { accepted: batch.values.length, refused: [] };
  }

  async evaluate({ tenant, expression, atMs, signal }: InstantQuery): Promise<InstantAnswer> {
    const { data, warnings } = await this.engine.instant({ tenant, expression, atMs, signal });
    if (data.kind === 'vector') return { samples: data.samples, warnings, fresh: true };
    if (data.kind === 'scalar') return { samples: [{ labels: [], value: data.value }], warnings, fresh: true };
    throw new Error(`a rule needs a vector or a scalar, ${expression} is a ${data.kind}`);
  }

  async select({ matchers, range }: SelectRequest): Promise<{ series: SelectedSeries[]; warnings: string[] }> {
    const series: SelectedSeries[] = [];
    for (const { labels, values } of this.#series.values()) {
      if (!matchers.every((matcher) => matcher.matches(labelValue(labels, matcher.name)))) continue;
      const times = [...values.keys()].filter((ms) => ms >= range.startMs && ms < range.endMs).sort((a, b) => a - b);
      if (times.length > 0) series.push(selected(labels, times, values));
    }
    return { series, warnings: [] };
  }
}

function selected(
  labels: Labels,
  times: readonly number[],
  from: ReadonlyMap<number, number | 'stale'>,
): SelectedSeries {
  const values = new Float64Array(times.length);
  times.forEach((ms, i) => {
    const value = from.get(ms) as number | 'stale';
    if (value === 'stale') writeStale(values, i);
    else values[i] = value;
  });
  return { labels, timestampsMs: Float64Array.from(times), values };
}
