import {
  type Labels,
  labelsOf,
  labelValue,
  makeRowColumns,
  RESOLUTION_MS,
  type Resolution,
  type SeriesSource,
  writeStale,
} from '@tidemark/model';
import type { TierRetention } from '../src/index.ts';
import { isSample, type Mark, rowsOf } from './tier-oracle.ts';

// Tiers as they stand at some moment: raw for as long as it is kept, rows once their window has closed, for as long as they are.

export interface WorldSeries {
  readonly labels: Labels;
  readonly marks: readonly Mark[];
}

export interface World {
  readonly series: readonly WorldSeries[];
  readonly nowMs: number;
  readonly retentionMs: TierRetention;
  /** Rows whose windows end later are not there yet. */
  readonly rowsUntilMs: Readonly<Record<Resolution, number>>;
  /** Hours that end no later were never folded. */
  readonly hoursSinceMs?: number;
}

export const DAY_MS = 86_400_000;
export const KEPT: TierRetention = { raw: 7 * DAY_MS, '1m': 30 * DAY_MS, '1h': 365 * DAY_MS };

export const named = (name: string, more: Record<string, string> = {}) => labelsOf({ __name__: name, ...more });

export interface Asked {
  readonly tier: 'raw' | Resolution;
  readonly afterMs: number;
  readonly untilMs: number;
}

/** `asked` gathers what was read of which tier. */
export function sourceOf(world: World, asked: Asked[] = []): SeriesSource {
  const { nowMs, retentionMs } = world;
  const chosen = (matchers: Parameters<SeriesSource['select']>[0]['matchers']) =>
    world.series.filter(({ labels }) => matchers.every((m) => m.matches(labelValue(labels, m.name))));
  const nothing = async () => ({ series: [], warnings: [] });
  return {
    async select({ matchers, range }) {
      asked.push({ tier: 'raw', afterMs: range.startMs - 1, untilMs: range.endMs - 1 });
      const series = chosen(matchers).flatMap(({ labels, marks }) => {
        const kept = marks.filter(
          ([ms]) => ms >= range.startMs && ms < range.endMs && ms > nowMs - retentionMs.raw && ms <= nowMs,
        );
        if (kept.length === 0) return [];
        const values = new Float64Array(kept.length);
        kept.forEach((mark, i) => {
          if (isSample(mark)) values[i] = mark[1];
          else writeStale(values, i);
        });
        return [{ labels, timestampsMs: Float64Array.from(kept, ([ms]) => ms), values }];
      });
      return { series, warnings: [] };
    },
    async selectRows({ matchers, range, resolution }) {
      asked.push({ tier: resolution, afterMs: range.startMs - 1, untilMs: range.endMs - 1 });
      const keptAfterMs = Math.max(
        nowMs - retentionMs[resolution],
        resolution === '1h' ? (world.hoursSinceMs ?? 0) : 0,
      );
      const series = chosen(matchers).flatMap(({ labels, marks }) => {
        const kept = rowsOf(marks, RESOLUTION_MS[resolution]).filter(
          ({ endMs }) =>
            endMs >= range.startMs &&
            endMs < range.endMs &&
            endMs > keptAfterMs &&
            endMs <= world.rowsUntilMs[resolution],
        );
        if (kept.length === 0) return [];
        const rows = makeRowColumns(kept.length);
        kept.forEach((row, i) => {
          for (const [column, value] of Object.entries(row))
            (rows[column as keyof typeof row] as Float64Array)[i] = value;
        });
        return [{ labels, rows }];
      });
      return { series, warnings: [] };
    },
    series: nothing,
    labelNames: nothing,
    labelValues: nothing,
  };
}
