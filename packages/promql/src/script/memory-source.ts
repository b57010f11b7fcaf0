import {
  type Labels,
  labelValue,
  type NativeHistogram,
  type SelectedSeries,
  type SelectRequest,
  writeStale,
} from '@tidemark/model';
import type { Queryable } from '../engine/engine.ts';
import { toNative } from '../histogram/float-histogram.ts';
import { unsupportedError } from '../language/errors.ts';
import { labelKey } from '../value/label-set.ts';
import { nativeLines } from './classic-to-native.ts';
import type { Point } from './parse-points.ts';
import type { LoadCommand } from './parse-script.ts';
import { withStoredHints } from './stored-hints.ts';

// The store of a script: samples in memory, by series and time.
//
// Where a script loads start timestamps, their place is remembered, and a query that touches them is refused: answering without
// them would be a wrong number.

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
    const native = command.native ? nativeLines(command.series) : [];
    for (const { labels, points, startTimestamps } of [...command.series, ...native]) {
      const stored = this.#stored(labels);
      if (startTimestamps) stored.startTimestamps = true;
      points.forEach((point, k) => {
        if (point.kind !== 'none') stored.points.set(k * command.stepMs, point);
      });
      if (points.some(({ kind }) => kind === 'histogram')) hint(stored);
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
}

/** As a store that finds out while it appends how histograms follow each other. */
function hint({ points }: Stored): void {
  const times = [...points.keys()].sort((a, b) => a - b);
  const hinted = withStoredHints(times.map((ms) => points.get(ms) as Point));
  times.forEach((ms, i) => {
    points.set(ms, hinted[i] as Point);
  });
}

function selectedOf({ labels, points, startTimestamps }: Stored, times: readonly number[]): SelectedSeries {
  if (startTimestamps) throw unsupportedError('reading start timestamps');
  const values = new Float64Array(times.length);
  const entries: number[] = [];
  const histograms: NativeHistogram[] = [];
  times.forEach((ms, i) => {
    const point = points.get(ms);
    if (point?.kind === 'histogram') {
      values[i] = Number.NaN;
      entries.push(i);
      histograms.push(toNative(point.histogram));
    } else if (point?.kind === 'stale') writeStale(values, i);
    else if (point?.kind === 'value') values[i] = point.value;
  });
  const selected = { labels, timestampsMs: Float64Array.from(times), values };
  return entries.length === 0
    ? selected
    : { ...selected, histograms: { entries: Uint32Array.from(entries), histograms } };
}
