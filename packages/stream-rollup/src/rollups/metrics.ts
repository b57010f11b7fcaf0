import { type Counter, type Gauge, type Labelled, SelfMetrics } from '@tidemark/base';
import { type StreamsMetrics, streamsMetrics } from '../runtime/metrics.ts';

/** What the rollup says about itself. Make one per process. */
export interface RollupMetrics {
  readonly streams: StreamsMetrics;
  readonly rowsEmitted: Counter;
  readonly hourRowsEmitted: Counter;
  readonly latePoints: Counter;
  readonly duplicatePoints: Counter;
  readonly replacedPoints: Counter;
  readonly droppedPoints: Labelled<Counter>;
  readonly repairsAsked: Counter;
  readonly clockTurnedBack: Counter;
  readonly openWindows: Labelled<Gauge>;
  readonly series: Labelled<Gauge>;
}

/** Why a point is in no row. Label values, never renamed. */
export const DROP_REASONS = {
  beyondGrace: 'beyond_grace',
  tooFarInFuture: 'too_far_in_future',
  timestampInvalid: 'timestamp_invalid',
  windowIncomplete: 'window_incomplete',
  closedEarly: 'window_closed_early',
  seriesLimit: 'series_limit',
  histogram: 'native_histogram',
} as const;

export function rollupMetrics(metrics: SelfMetrics = new SelfMetrics()): RollupMetrics {
  return {
    streams: streamsMetrics(metrics, 'tidemark_rollup'),
    rowsEmitted: metrics.counter('tidemark_rollup_rows_emitted_total', 'Rows sent to the 1m topic, repeats included.'),
    hourRowsEmitted: metrics.counter(
      'tidemark_rollup_hour_rows_emitted_total',
      'Rows sent to the 1h topic, repeats included.',
    ),
    latePoints: metrics.counter(
      'tidemark_rollup_late_points_total',
      'Points folded into windows whose rows had been emitted already.',
    ),
    duplicatePoints: metrics.counter(
      'tidemark_rollup_duplicate_points_total',
      'Points that repeated a series, time and value, and were ignored.',
    ),
    replacedPoints: metrics.counter(
      'tidemark_rollup_replaced_points_total',
      'Points that gave a series and time another value: the last one holds.',
    ),
    droppedPoints: metrics.counters('tidemark_rollup_dropped_points_total', 'Points folded into no row, by reason.', [
      'reason',
    ]),
    repairsAsked: metrics.counter(
      'tidemark_rollup_repairs_asked_total',
      'Marks sent for hours of series whose rows have to be made from raw samples.',
    ),
    clockTurnedBack: metrics.counter(
      'tidemark_rollup_clock_turned_back_total',
      'Times the clock that closes windows had run ahead and was set right.',
    ),
    openWindows: metrics.gauges('tidemark_rollup_open_windows', 'Windows that still take points.', ['task']),
    series: metrics.gauges('tidemark_rollup_series', 'Series known to open windows.', ['task']),
  };
}
