import { createHash } from 'node:crypto';
import { TidemarkError } from '@tidemark/base';
import type { Matcher } from '@tidemark/model';
import { groupKey } from '../rules/rule.ts';
import type { GroupStatus, RuleStatus } from '../rules/status.ts';
import { type ApiAlert, apiAlert, textRecord } from './alerts.ts';

// What `/api/v1/rules` answers, in Prometheus' shape. Pure: the server reads parameters and writes the envelope.

export interface RulesFilter {
  readonly type?: 'alert' | 'record';
  readonly ruleNames?: readonly string[];
  readonly groupNames?: readonly string[];
  readonly files?: readonly string[];
  readonly excludeAlerts?: boolean;
  /** `match[]`: a rule is shown when its labels fit one of them. */
  readonly matcherSets?: readonly (readonly Matcher[])[];
  /** Groups in one answer; the next begin at its `groupNextToken`. */
  readonly groupLimit?: number;
  readonly groupNextToken?: string;
}

export interface RulesAnswer {
  readonly groups: readonly ApiRuleGroup[];
  readonly groupNextToken?: string;
}

export interface ApiRuleGroup {
  readonly name: string;
  readonly file: string;
  readonly rules: readonly ApiRule[];
  /** Seconds. */
  readonly interval: number;
  readonly limit: number;
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
}

export interface ApiRule {
  readonly type: 'alerting' | 'recording';
  readonly name: string;
  readonly query: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly health: 'unknown' | 'ok' | 'err';
  readonly lastError?: string;
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
  /** The rest: alerting rules only. Durations in seconds. */
  readonly state?: 'unknown' | 'inactive' | 'pending' | 'firing';
  readonly duration?: number;
  readonly keepFiringFor?: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly alerts?: readonly ApiAlert[];
}

const NO_TIME = '0001-01-01T00:00:00Z';

/** `groups` as `Rules.rules()` returns them. Throws `PARAM_INVALID` for an unknown `groupNextToken`. */
export function rulesAnswer(groups: readonly GroupStatus[], filter: RulesFilter = {}): RulesAnswer {
  const shown = groups
    .filter((group) => wanted(filter.groupNames, group.name) && wanted(filter.files, group.file))
    .map((group) => ({ group, rules: group.rules.filter((rule) => isWanted(rule, filter)) }))
    .filter(({ rules }) => rules.length > 0);
  const from = filter.groupNextToken === undefined ? 0 : startOf(shown, filter.groupNextToken);
  const to = filter.groupLimit === undefined ? shown.length : from + filter.groupLimit;
  const next = shown[to];
  return {
    groups: shown.slice(from, to).map(({ group, rules }) => apiGroup(group, rules, filter.excludeAlerts ?? false)),
    ...(next ? { groupNextToken: tokenOf(next.group) } : {}),
  };
}

function startOf(shown: readonly { readonly group: GroupStatus }[], token: string): number {
  const found = shown.findIndex(({ group }) => tokenOf(group) === token);
  if (found >= 0) return found;
  throw new TidemarkError(
    'PARAM_INVALID',
    `invalid parameter "group_next_token": invalid group_next_token '${token}'. were rule groups changed?`,
    { token },
  );
}

function tokenOf(group: GroupStatus): string {
  return createHash('sha1').update(groupKey(group)).digest('hex');
}

function wanted(names: readonly string[] | undefined, name: string): boolean {
  return names === undefined || names.length === 0 || names.includes(name);
}

function isWanted({ rule }: RuleStatus, filter: RulesFilter): boolean {
  if (filter.type !== undefined && filter.type !== (rule.kind === 'alerting' ? 'alert' : 'record')) return false;
  if (!wanted(filter.ruleNames, rule.name)) return false;
  const sets = filter.matcherSets ?? [];
  const labelled = (name: string) => rule.labels.find((label) => label.name === name)?.value ?? '';
  return sets.length === 0 || sets.some((set) => set.every((matcher) => matcher.matches(labelled(matcher.name))));
}

function apiGroup(group: GroupStatus, rules: readonly RuleStatus[], excludeAlerts: boolean): ApiRuleGroup {
  return {
    name: group.name,
    file: group.file,
    rules: rules.map((status) => apiRule(status, excludeAlerts)),
    interval: group.intervalMs / 1000,
    limit: group.limit,
    evaluationTime: group.evaluationSeconds,
    lastEvaluation: timeText(group.lastEvaluationMs),
  };
}

function apiRule(status: RuleStatus, excludeAlerts: boolean): ApiRule {
  const { rule } = status;
  const common = {
    name: rule.name,
    query: status.query,
    labels: textRecord(rule.labels),
    health: status.health,
    ...(status.lastError === '' ? {} : { lastError: status.lastError }),
    evaluationTime: status.evaluationSeconds,
    lastEvaluation: timeText(status.lastEvaluationMs),
  };
  if (rule.kind === 'recording') return { type: 'recording', ...common };
  const active = status.alerts.filter((alert) => alert.phase !== 'resolved');
  return {
    type: 'alerting',
    state: stateOf(status),
    ...common,
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    annotations: textRecord(rule.annotations),
    alerts: excludeAlerts ? [] : active.map(apiAlert),
  };
}

/** The gravest of its alerts; `unknown` before the first evaluation. */
function stateOf({ alerts, lastEvaluationMs }: RuleStatus): NonNullable<ApiRule['state']> {
  if (lastEvaluationMs === undefined) return 'unknown';
  if (alerts.some((alert) => alert.phase === 'firing')) return 'firing';
  return alerts.some((alert) => alert.phase === 'pending') ? 'pending' : 'inactive';
}

function timeText(ms: number | undefined): string {
  return ms === undefined ? NO_TIME : new Date(ms).toISOString();
}
