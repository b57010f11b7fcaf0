import type { Counter, Histogram, Labelled, SelfMetrics } from '@tidemark/base';

// What the notifier says about itself at /metrics.

export interface NotifierMetrics {
  /** applied, repeated (known already), ignored (resolved, but never told), full. */
  readonly events: Labelled<Counter>;
  readonly unreadable: Labelled<Counter>;
  readonly positionsLost: Counter;
  /** delivered, refused, expired. */
  readonly notices: Labelled<Counter>;
  readonly attemptsFailed: Labelled<Counter>;
  readonly sendSeconds: Histogram;
  readonly ledgerFailures: Counter;
}

export function notifierMetrics(
  metrics: SelfMetrics,
  read: { readonly groups: () => number; readonly alerts: () => number },
): NotifierMetrics {
  metrics.gaugeFrom('tidemark_notifier_groups', 'Groups of alerts the notifier holds.', read.groups);
  metrics.gaugeFrom('tidemark_notifier_alerts', 'Alerts the notifier holds.', read.alerts);
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
    attemptsFailed: metrics.counters(
      'tidemark_notifier_attempts_failed_total',
      'Attempts at a notice that failed and are repeated.',
      ['receiver', 'reason'],
    ),
    sendSeconds: metrics.histogram('tidemark_notifier_send_seconds', 'How long an attempt at a notice took.'),
    ledgerFailures: metrics.counter('tidemark_notifier_ledger_failures_total', 'Writes of the ledger that failed.'),
  };
}
