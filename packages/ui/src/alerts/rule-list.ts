import type { ApiRule, RuleGroup } from '../api/types.ts';
import { type Filter, passes } from './matchers.ts';

// Rules as the page lists them: by group, in the order they are evaluated, only those that pass the filters.

export const ruleStates = ['firing', 'pending', 'inactive', 'recording', 'error'] as const;
export type RuleState = (typeof ruleStates)[number];

export function ruleState(rule: ApiRule): RuleState {
  if (rule.health === 'err') return 'error';
  if (rule.type === 'recording') return 'recording';
  return rule.state === 'firing' || rule.state === 'pending' ? rule.state : 'inactive';
}

export function countRules(groups: readonly RuleGroup[]): Record<RuleState, number> {
  const counts = { firing: 0, pending: 0, inactive: 0, recording: 0, error: 0 };
  for (const group of groups) for (const rule of group.rules) counts[ruleState(rule)]++;
  return counts;
}

export function ruleTotal(groups: readonly RuleGroup[]): number {
  return groups.reduce((sum, group) => sum + group.rules.length, 0);
}

/** Groups with the rules that pass; those without any are left out. */
export function filterRules(groups: readonly RuleGroup[], state: string, filter: Filter): RuleGroup[] {
  return groups
    .map((group) => ({
      ...group,
      rules: group.rules.filter(
        (rule) =>
          (state === '' || ruleState(rule) === state) &&
          passes(filter, { alertname: rule.name, ...rule.labels }, rule.query, group.name, group.file, rule.lastError),
      ),
    }))
    .filter((group) => group.rules.length > 0);
}

/** The address of a runbook among annotations, when it is one a browser may open. */
export function runbookOf(annotations: Readonly<Record<string, string>> = {}): string | undefined {
  const found = annotations['runbook_url'] ?? annotations['runbook'];
  return found !== undefined && /^https?:\/\//i.test(found) ? found : undefined;
}
