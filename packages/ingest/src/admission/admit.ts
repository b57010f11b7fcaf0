import { formatDuration, TIME_POLICY } from '@tidemark/model';
import type { IntakeColumns } from '../protocol/intake-columns.ts';
import type { IntakeHistograms } from '../protocol/intake-histograms.ts';
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

/**
 * Moves what stays to the front and returns how many those are: the caller's `columns.count`. It is not set here, behind the loop:
 * V8 compiles the loop while it runs, and left the compiled code at its end with every request, having never seen what came then.
 */
export function admit(
  columns: IntakeColumns,
  table: SeriesTable,
  bounds: TimeBounds,
  active: ActiveSeries,
  activeSeriesMax: number,
  refusals: Refusals,
): number {
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
        refuseSeries(table, ref, active, activeSeriesMax, refusals);
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
  return kept;
}

/** Leaves histograms that a number of their series might stand for: of its time, and of a series that is active or may be. */
export function admitHistograms(
  histograms: IntakeHistograms,
  table: SeriesTable,
  bounds: TimeBounds,
  active: ActiveSeries,
  activeSeriesMax: number,
  refusals: Refusals,
): void {
  const { activeStamps: stamps } = table.columns;
  histograms.list = histograms.list.filter(({ ref, timestampMs }) => {
    if (!(timestampMs >= bounds.minMs && timestampMs <= bounds.maxMs)) {
      refuseTime(table, ref, timestampMs, bounds, refusals);
      return false;
    }
    if (stamps[ref] !== active.stamp && !active.admit(table.fingerprint(ref))) {
      refuseSeries(table, ref, active, activeSeriesMax, refusals);
      return false;
    }
    stamps[ref] = active.stamp;
    return true;
  });
}

function refuseSeries(
  table: SeriesTable,
  ref: number,
  active: ActiveSeries,
  activeSeriesMax: number,
  refusals: Refusals,
): void {
  refusals.add('active_series_limit', 1, () => {
    return `series ${table.describe(ref)} is new and ${active.size} series are active, the limit activeSeriesMax is ${activeSeriesMax}`;
  });
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
