import {
  type Labels,
  labelValue,
  METRIC_NAME,
  type SelectedSeries,
  type SelectRequest,
  writeStale,
} from '@tidemark/model';
import type { Queryable } from '../engine/engine.ts';
import { unsupportedError } from '../language/errors.ts';
import { labelKey, omitLabels, withLabel } from '../value/label-set.ts';
import type { Point } from './parse-points.ts';
import type { LoadCommand } from './parse-script.ts';

// The store of a script: samples in memory, by series and time.
//
// Sources of ours hold floats. Where a script loads native histograms or start timestamps, their place is remembered, and a
// query that touches them is refused: answering without them would be a wrong number.

interface Stored {
  readonly labels: Labels;
  readonly points: Map<number, Point>;
  startTimestamps: boolean;
}

export class MemorySource implements Queryable {
  readonly #series = new Map<string, Stored>();

  clear(): void {
    this.#series.clear();
  }

  load(command: LoadCommand): void {
    for (const { labels, points, startTimestamps } of command.series) {
      const stored = this.#stored(labels);
      if (startTimestamps) stored.startTimestamps = true;
      points.forEach((point, k) => {
        if (point.kind === 'none') return;
        stored.points.set(k * command.stepMs, point);
        if (command.native) this.#addNative(labels, k * command.stepMs);
      });
    }
  }

  async select({ matchers, range }: SelectRequest): Promise<{ series: SelectedSeries[]; warnings: string[] }> {
    const series: SelectedSeries[] = [];
    for (const stored of this.#series.values()) {
      if (!matchers.every((matcher) => matcher.matches(labelValue(stored.labels, matcher.name)))) continue;
      const times = [...stored.points.keys()]
        .filter((ms) => ms >= range.startMs && ms < range.endMs)
        .sort((a, b) => a - b);
      if (times.length > 0) series.push(selectedOf(stored, times));
    }
    return { series, warnings: [] };
  }

  #stored(labels: Labels): Stored {
    const key = labelKey(labels);
    let stored = this.#series.get(key);
    if (!stored) {
      stored = { labels, points: new Map(), startTimestamps: false };
      this.#series.set(key, stored);
    }
    return stored;
  }

  /** The native histogram that a bucket, sum or count of a classic one would be part of. */
  #addNative(labels: Labels, ms: number): void {
    const base = labelValue(labels, METRIC_NAME).replace(/_(?:bucket|sum|count)$/, '');
    const native = withLabel(omitLabels(labels, new Set(['le'])), METRIC_NAME, base);
    if (labelKey(native) !== labelKey(labels)) this.#stored(native).points.set(ms, { kind: 'histogram' });
  }
}

function selectedOf({ labels, points, startTimestamps }: Stored, times: readonly number[]): SelectedSeries {
  if (startTimestamps) throw unsupportedError('reading start timestamps');
  const values = new Float64Array(times.length);
  times.forEach((ms, i) => {
    const point = points.get(ms);
    if (point?.kind === 'histogram') throw unsupportedError('reading native histograms');
    if (point?.kind === 'stale') writeStale(values, i);
    else if (point?.kind === 'value') values[i] = point.value;
  });
  return { labels, timestampsMs: Float64Array.from(times), values };
}
