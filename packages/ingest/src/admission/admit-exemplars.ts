import type { IntakeExemplars } from '../protocol/intake-exemplars.ts';
import type { SeriesTable } from '../series/series-table.ts';
import type { ActiveSeries } from './active-series.ts';
import type { TimeBounds } from './admit.ts';

/**
 * Leaves exemplars whose time a sample might have, of series that had a sample of late: an exemplar makes no series. Call it when
 * the request's samples are admitted.
 */
export function admitExemplars(
  exemplars: IntakeExemplars,
  table: SeriesTable,
  { minMs, maxMs }: TimeBounds,
  active: ActiveSeries,
): void {
  const { activeStamps } = table.columns;
  exemplars.list = exemplars.list.filter(({ ref, timestampMs }) => {
    const reason =
      timestampMs > maxMs
        ? 'too_far_in_future'
        : !(timestampMs >= minMs)
          ? 'too_old'
          : activeStamps[ref] !== active.stamp && !active.has(table.fingerprint(ref))
            ? 'series_unknown'
            : undefined;
    if (reason !== undefined) exemplars.refuse(reason);
    return reason === undefined;
  });
}
