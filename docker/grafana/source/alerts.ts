import { type DashboardDraft, lines, rows, stat } from './model.ts';

// What fires and what is about to, the rules behind it, and whether people are told.

const NAMED = 'alertname=~"$alertname"';
const orZero = (expression: string) => `${expression} or vector(0)`;
const NONE_IS_GOOD = [
  ['green', null],
  ['red', 1],
] as const;

export const alerts: DashboardDraft = {
  uid: 'tidemark-alerts',
  title: 'Alerts',
  description: 'Alerts by state, rules and how long they take, notices.',
  variables: [{ name: 'alertname', label: 'alert', metric: 'ALERTS', of: 'alertname', all: true }],
  rows: [
    [
      stat('Firing', { about: 'Alerts that fire.', unit: 'none', width: 6, thresholds: NONE_IS_GOOD }, [
        orZero(`count(ALERTS{${NAMED}, alertstate="firing"})`),
      ]),
      stat('Pending', { about: 'Alerts whose time is not over yet.', unit: 'none', width: 6 }, [
        orZero(`count(ALERTS{${NAMED}, alertstate="pending"})`),
      ]),
      stat(
        'Failing rules',
        { about: 'Rules a second whose evaluation failed.', unit: 'short', width: 6, thresholds: NONE_IS_GOOD },
        [orZero('sum(rate(tidemark_rule_evaluation_failures_total[$__rate_interval]))')],
      ),
      stat(
        'Rule files in force',
        { about: '1: the files as they are now; 0: the last change was refused.', unit: 'none', width: 6 },
        ['min(tidemark_rules_last_reload_successful)'],
      ),
    ],
    [
      rows(
        'What fires',
        { about: 'Firing. Every alert that fires now, with its labels.', unit: 'none', width: 24 },
        ['alertstate', 'Value'],
        [`ALERTS{${NAMED}, alertstate="firing"}`],
      ),
    ],
    [
      lines('Alerts by name', { about: 'Firing and pending.', unit: 'none', width: 12, stacked: true }, [
        `count by (alertname, alertstate) (ALERTS{${NAMED}})`,
        '{{alertname}} {{alertstate}}',
      ]),
      lines('Active for', { about: 'Since the condition has been true.', unit: 's', width: 12 }, [
        `time() - max by (alertname) (ALERTS_FOR_STATE{${NAMED}})`,
        '{{alertname}}',
      ]),
    ],
    [
      lines(
        'Evaluating a group',
        { about: 'How long the last one took, beside how often it is evaluated.', unit: 's', width: 8 },
        ['tidemark_rule_group_last_duration_seconds', '{{rule_group}}'],
        ['min(tidemark_rule_group_interval_seconds)', 'shortest interval'],
      ),
      lines('Evaluations', { about: 'Rules a second, by group.', unit: 'short', width: 8 }, [
        'sum by (rule_group) (rate(tidemark_rule_evaluations_total[$__rate_interval]))',
        '{{rule_group}}',
      ]),
      rows(
        'Rule groups',
        { about: 'Rules. How many each group has.', unit: 'none', width: 8 },
        ['instance', 'job'],
        ['tidemark_rule_group_rules'],
      ),
    ],
    [
      lines('Alert events', { about: 'Written to the log a second, by status.', unit: 'short', width: 8 }, [
        orZero('sum by (status) (rate(tidemark_alert_events_total[$__rate_interval]))'),
        '{{status}}',
      ]),
      lines('Notices', { about: 'Attempts a second, by kind of receiver.', unit: 'short', width: 8 }, [
        orZero('sum by (integration) (rate(tidemark_notifications_total[$__rate_interval]))'),
        '{{integration}}',
      ]),
      lines('Notices that failed', { about: 'A second, by reason.', unit: 'short', width: 8 }, [
        orZero('sum by (reason) (rate(tidemark_notifications_failed_total[$__rate_interval]))'),
        '{{reason}}',
      ]),
    ],
  ],
};
