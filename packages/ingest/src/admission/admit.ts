import { formatDuration, TIME_POLICY } from '@tidemark/model';
import type { IntakeColumns } from '../protocol/intake-columns.ts';
import type { SeriesTable } from '../series/series-table.ts';
import type { ActiveSeries } from './active-series.ts';
import type { Refusals } from './refusals.ts';

// Decides sample by sample; what stays moves to the front of the columns, in order. One bad sample costs only itself.

export interface TimeBounds {
  readonly nowMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** What a sample's time may be, at `nowMs`: `[minMs, maxMs]`. */
export function timeBounds(nowMs: number, rawRetentionMs: number = TIME_POLICY.rawRetentionMs): TimeBounds {
  return { nowMs, minMs: nowMs - rawRetentionMs, maxMs: nowMs + TIME_POLICY.futureMs };
}

export function admit(
  columns: IntakeColumns,
  table: SeriesTable,
  bounds: TimeBounds,
  active: ActiveSeries,
  activeSeriesMax: number,
  refusals: Refusals,
): void {
  const { refs, timestampsMs, words, count } = columns;
  const stamps = table.columns.activeStamps;
  const { stamp } = active;
  const { minMs, maxMs } = bounds;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const ref = refs[i] as number;
    const timestampMs = timestampsMs[i] as number;
    // Written so that NaN is refused as well.
    if (!(timestampMs >= minMs && timestampMs <= maxMs)) {
      refuseTime(table, ref, timestampMs, bounds, refusals);
      continue;
    }
    if (stamps[ref] !== stamp) {
      if (!active.admit(table.fingerprint(ref))) {
        refusals.add('active_series_limit', 1, () => {
          return `series ${table.describe(ref)} is new and ${active.size} series are active, the limit activeSeriesMax is ${activeSeriesMax}`;
        });
        continue;
      }
      stamps[ref] = stamp;
    }
    if (kept !== i) {
      refs[kept] = ref;
      timestampsMs[kept] = timestampMs;
      words[kept * 2] = words[i * 2] as number;
      words[kept * 2 + 1] = words[i * 2 + 1] as number;
    }
    kept++;
  }
  columns.count = kept;
}

function refuseTime(
  table: SeriesTable,
  ref: number,
  timestampMs: number,
  bounds: TimeBounds,
  refusals: Refusals,
): void {
  const { nowMs } = bounds;
  if (timestampMs > bounds.maxMs) {
    refusals.add('too_far_in_future', 1, () => {
      return `${table.describe(ref)} has the timestamp ${timestampMs}, ${ms(timestampMs - nowMs)} after now (${nowMs}); the limit is ${ms(TIME_POLICY.futureMs)}`;
    });
  } else {
    refusals.add('too_old', 1, () => {
      return `${table.describe(ref)} has the timestamp ${timestampMs}, ${ms(nowMs - timestampMs)} before now (${nowMs}); raw samples are kept for ${ms(nowMs - bounds.minMs)}`;
    });
  }
}

function ms(duration: number): string {
  // As exact as a person asks: to the hour beyond two days, to the minute beyond two minutes.
  const grain = duration >= 2 * 86_400_000 ? 3_600_000 : duration >= 120_000 ? 60_000 : 1;
  return formatDuration(Math.round(duration / grain) * grain);
}
