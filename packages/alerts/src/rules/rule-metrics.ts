import type { Counter, Histogram, Labelled, SelfMetrics } from '@tidemark/base';
import type { AlertPhase } from './alert.ts';

// What rule evaluation says about itself at /metrics. Made once per page, whoever starts rules for how many tenants.

export interface RuleMetrics {
  readonly seconds: Histogram;
  readonly evaluations: Labelled<Counter>;
  readonly failures: Labelled<Counter>;
  readonly missed: Labelled<Counter>;
  readonly notFresh: Labelled<Counter>;
  readonly events: Labelled<Counter>;
  readonly publishFailures: Counter;
  readonly templateFailures: Counter;
  readonly statesUnreadable: Counter;
  /** Counts pending and firing alerts when the page is read. Returns the way to end that. */
  countAlerts(read: () => Iterable<AlertPhase>): () => void;
}

const made = new WeakMap<SelfMetrics, RuleMetrics>();

export function ruleMetrics(metrics: SelfMetrics): RuleMetrics {
  const known = made.get(metrics);
  if (known) return known;
  const sources = new Set<() => Iterable<AlertPhase>>();
  const perGroup = (name: string, help: string) => metrics.counters(name, help, ['rule_group']);
  const fresh: RuleMetrics = {
    seconds: metrics.histogram('tidemark_rule_evaluation_seconds', 'How long evaluating a rule took.'),
    evaluations: perGroup('tidemark_rule_evaluations_total', 'Rules evaluated.'),
    failures: perGroup('tidemark_rule_evaluation_failures_total', 'Rules whose evaluation failed.'),
    missed: perGroup(
      'tidemark_rule_group_ticks_missed_total',
      'Evaluations of groups left out: the one before took too long.',
    ),
    notFresh: perGroup(
      'tidemark_rule_evaluations_not_fresh_total',
      'Rules evaluated without knowing that all acknowledged data was visible.',
    ),
    events: metrics.counters('tidemark_alert_events_total', 'Alert events written to the log.', ['status']),
    publishFailures: metrics.counter(
      'tidemark_alert_publish_failures_total',
      'Writes of alert events or states that failed; they are repeated at the next evaluation.',
    ),
    templateFailures: metrics.counter(
      'tidemark_rule_template_failures_total',
      'Labels and annotations of alerts whose template failed; the text says why.',
    ),
    statesUnreadable: metrics.counter(
      'tidemark_alert_states_unreadable_total',
      'Alert states on the log that could not be read at start.',
    ),
    countAlerts(read) {
      sources.add(read);
      return () => sources.delete(read);
    },
  };
  metrics.gaugesFrom('tidemark_alerts', 'Alerts by state.', ['state'], () => {
    const counts = { pending: 0, firing: 0, resolved: 0 };
    for (const read of sources) for (const phase of read()) counts[phase]++;
    return [
      [['pending'], counts.pending],
      [['firing'], counts.firing],
    ];
  });
  made.set(metrics, fresh);
  return fresh;
}
