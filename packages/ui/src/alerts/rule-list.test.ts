import { expect, test } from 'vitest';
import type { ApiRule, RuleGroup } from '../api/types.ts';
import { parseFilter } from './matchers.ts';
import { countRules, filterRules, ruleTotal, runbookOf } from './rule-list.ts';

const rule = (name: string, more: Partial<ApiRule> = {}): ApiRule => ({
  name,
  type: 'alerting',
  query: `${name.toLowerCase()}_metric > 1`,
  health: 'ok',
  state: 'inactive',
  ...more,
});

const groups: RuleGroup[] = [
  {
    name: 'host',
    file: 'host.yml',
    rules: [rule('Load', { state: 'firing', labels: { severity: 'page' } }), rule('Disk')],
  },
  { name: 'app', rules: [rule('r', { type: 'recording' }), rule('Bad', { health: 'err', lastError: 'many-to-many' })] },
];

const found = (state: string, find: string) =>
  filterRules(groups, state, parseFilter(find)).flatMap((group) => group.rules.map((one) => one.name));

test('rules are counted by what one would look for', () => {
  expect(countRules(groups)).toEqual({ firing: 1, pending: 0, inactive: 1, recording: 1, error: 1 });
  expect(ruleTotal(groups)).toBe(4);
});

test('rules are found by state, name, label, expression, group and error', () => {
  expect(found('', '')).toEqual(['Load', 'Disk', 'r', 'Bad']);
  expect(found('error', '')).toEqual(['Bad']);
  expect(found('', 'severity="page"')).toEqual(['Load']);
  expect(found('', 'disk_metric')).toEqual(['Disk']);
  expect(found('', 'many-to-many')).toEqual(['Bad']);
  expect(found('', 'host.yml')).toEqual(['Load', 'Disk']);
  expect(filterRules(groups, 'pending', parseFilter(''))).toEqual([]);
});

test('only an address on the web is a runbook', () => {
  expect(runbookOf({ runbook_url: 'https://example.org/x' })).toBe('https://example.org/x');
  expect(runbookOf({ runbook_url: 'javascript:alert(1)' })).toBeUndefined();
  expect(runbookOf()).toBeUndefined();
});
