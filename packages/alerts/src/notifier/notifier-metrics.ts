import type { Counter, Gauge, Histogram, Labelled, SelfMetrics } from '@tidemark/base';
import type { SilenceState } from './silence.ts';

// What the notifier says about itself at /metrics. Names follow Alertmanager's where it has the same number.

export interface NotifierMetrics {
  /** applied, repeated (known already), ignored (resolved, but never told), full. */
  readonly events: Labelled<Counter>;
  readonly unreadable: Labelled<Counter>;
  readonly positionsLost: Counter;
  /** delivered, refused, expired, suppressed. */
  readonly notices: Labelled<Counter>;
  readonly attempts: Labelled<Counter>;
  readonly attemptsFailed: Labelled<Counter>;
  readonly suppressed: Labelled<Counter>;
  readonly latency: Histogram;
  readonly ledgerFailures: Counter;
  readonly received: Labelled<Counter>;
  readonly invalid: Counter;
  readonly reloadSuccessful: Gauge;
  readonly reloadSeconds: Gauge;
}

export interface NotifierReadings {
  readonly groups: () => number;
  readonly alerts: () => number;
  readonly silences: (state: SilenceState) => number;
}

const SILENCE_STATES: readonly SilenceState[] = ['active', 'pending', 'expired'];

export function notifierMetrics(metrics: SelfMetrics, read: NotifierReadings): NotifierMetrics {
  metrics.gaugeFrom('tidemark_dispatcher_aggregation_groups', 'Groups of alerts the notifier holds.', read.groups);
  metrics.gaugeFrom('tidemark_notifier_alerts', 'Alerts the notifier holds.', read.alerts);
  metrics.gaugesFrom('tidemark_silences', 'Silences by state.', ['state'], () =>
    SILENCE_STATES.map((state) => [[state], read.silences(state)] as const),
  );
  return {
    events: metrics.counters('tidemark_notifier_events_total', 'Alert events read, by what became of them.', [
      'outcome',
    ]),
    unreadable: metrics.counters('tidemark_notifier_records_unreadable_total', 'Records that could not be read.', [
      'topic',
    ]),
    positionsLost: metrics.counter(
      'tidemark_notifier_positions_lost_total',
      'Times the log had dropped events before they were read.',
    ),
    notices: metrics.counters('tidemark_notifier_notices_total', 'Notices, by how they ended.', [
      'receiver',
      'outcome',
    ]),
    attempts: metrics.counters('tidemark_notifications_total', 'Attempts at a notice.', ['integration', 'receiver']),
    attemptsFailed: metrics.counters('tidemark_notifications_failed_total', 'Attempts at a notice that failed.', [
      'integration',
      'receiver',
      'reason',
    ]),
    suppressed: metrics.counters(
      'tidemark_notifications_suppressed_total',
      'Alerts that were not told at a flush of their group, by reason.',
      ['reason'],
    ),
    latency: metrics.histogram('tidemark_notification_latency_seconds', 'How long an attempt at a notice took.'),
    ledgerFailures: metrics.counter('tidemark_notifier_ledger_failures_total', 'Writes of the ledger that failed.'),
    received: metrics.counters('tidemark_alerts_received_total', 'Alerts that were posted, by status.', ['status']),
    invalid: metrics.counter('tidemark_alerts_invalid_total', 'Alerts that were posted and are not valid.'),
    reloadSuccessful: metrics.gauge(
      'tidemark_notifier_config_last_reload_successful',
      'Whether the last reading of the notifier’s file and templates succeeded.',
    ),
    reloadSeconds: metrics.gauge(
      'tidemark_notifier_config_last_reload_success_timestamp_seconds',
      'When the notifier’s configuration was last taken.',
    ),
  };
}
