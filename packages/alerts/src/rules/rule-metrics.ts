import type { Counter, Histogram, Labelled, SelfMetrics } from '@tidemark/base';
import type { AlertPhase } from './alert.ts';
import { groupKey } from './rule.ts';
import type { GroupStatus } from './status.ts';

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
  /** Shows how groups fare when the page is read. Returns the way to end that. */
  showGroups(read: () => Iterable<GroupStatus>): () => void;
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
    showGroups(read) {
      shown.add(read);
      return () => shown.delete(read);
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
  const shown = new Set<() => Iterable<GroupStatus>>();
  const ofGroups = (name: string, help: string, value: (group: GroupStatus) => number) =>
    metrics.gaugesFrom(name, help, ['rule_group'], () =>
      [...shown].flatMap((read) => [...read()].map((group) => [[groupKey(group)], value(group)] as const)),
    );
  ofGroups(
    'tidemark_rule_group_interval_seconds',
    'How often a group is evaluated.',
    (group) => group.intervalMs / 1000,
  );
  ofGroups('tidemark_rule_group_rules', 'Rules of a group.', (group) => group.rules.length);
  ofGroups(
    'tidemark_rule_group_last_duration_seconds',
    'How long the last evaluation of a group took.',
    (group) => group.evaluationSeconds,
  );
  ofGroups(
    'tidemark_rule_group_last_evaluation_timestamp_seconds',
    'When a group was last evaluated, unix seconds; 0: not yet.',
    (group) => (group.lastEvaluationMs ?? 0) / 1000,
  );
  ofGroups(
    'tidemark_rule_group_last_evaluation_samples',
    'Samples that the last evaluation of a group wrote.',
    (group) => group.lastSamples,
  );
  made.set(metrics, fresh);
  return fresh;
}
