import { existsSync, readFileSync } from 'node:fs';
import { TidemarkError } from '@tidemark/base';
import { parse } from '@tidemark/promql';
import { expect, test } from 'vitest';
import { loadRules, parseRuleFile } from './file.ts';
import type { AlertingRuleSpec } from './rule.ts';

const options = {
  checkExpression(text: string) {
    if (text.includes('syntax')) throw new TidemarkError('PROMQL_SYNTAX', '1:1: parse error: no');
    if (text.includes('later')) throw new TidemarkError('PROMQL_UNSUPPORTED', '1:1: later() is not supported yet');
  },
};
const read = (text: string) => parseRuleFile({ file: 'rules.yml', text }, options);

const EXAMPLE = `groups:
  - name: host
    interval: 30s
    limit: 10
    query_offset: 5s
    labels: {team: core, severity: ticket}
    rules:
      - alert: HighLoad
        expr: |
          node_load1 > 4
        for: 1m30s
        keep_firing_for: 2m
        labels: {severity: page, 8: nine}
        annotations:
          summary: "{{ $labels.instance }} is busy: {{ $value }}"
          runbook: ~
`;

test('everything a group and a rule may say', () => {
  const { groups, errors, unsupported } = read(EXAMPLE);
  expect([...errors, ...unsupported]).toEqual([]);
  expect(groups).toEqual([
    {
      file: 'rules.yml',
      name: 'host',
      intervalMs: 30_000,
      queryOffsetMs: 5000,
      limit: 10,
      rules: [
        {
          kind: 'alerting',
          name: 'HighLoad',
          expression: 'node_load1 > 4',
          forMs: 90_000,
          keepFiringForMs: 120_000,
          labels: [
            { name: '8', value: 'nine' },
            { name: 'severity', value: 'page' },
            { name: 'team', value: 'core' },
          ],
          annotations: [
            { name: 'runbook', value: '' },
            { name: 'summary', value: '{{ $labels.instance }} is busy: {{ $value }}' },
          ],
          identity: '["HighLoad",["8","nine"],["severity","page"],["team","core"]]#0',
        },
      ],
    },
  ]);
});

test('nothing at all is no groups', () => {
  for (const text of ['', '# only a remark', 'groups:', 'groups: []', '{}']) {
    expect(read(text)).toEqual({ groups: [], errors: [], unsupported: [], warnings: [] });
  }
});

test('aliases and merged maps; what a rule says itself wins', () => {
  const { groups, errors } = read(`groups:
  - name: a
    rules:
      - &first {alert: One, expr: up, for: 5m}
      - {<<: *first, alert: Two}
`);
  expect(errors).toEqual([]);
  expect(groups[0]?.rules.map((rule) => [rule.name, (rule as AlertingRuleSpec).forMs])).toEqual([
    ['One', 300_000],
    ['Two', 300_000],
  ]);
});

test('rules of one name and the same labels are told apart by their place', () => {
  const { groups } = read(
    'groups: [{name: a, rules: [{alert: X, expr: a}, {alert: X, expr: b}, {alert: X, expr: c, labels: {l: v}}]}]',
  );
  expect(groups[0]?.rules.map((rule) => rule.identity)).toEqual(['["X"]#0', '["X"]#1', '["X",["l","v"]]#0']);
});

test('only the first of several documents is read, and that is said', () => {
  const { groups, warnings } = read('groups: [{name: a}]\n---\ngroups: [{name: b}]\n');
  expect(groups.map((group) => group.name)).toEqual(['a']);
  expect(warnings).toEqual(['rules.yml: has 2 YAML documents; only the first is read']);
});

const rule = (body: string) => `groups:\n  - name: a\n    rules:\n      - ${body}\n`;

test.each([
  ['grups: []', 'rules.yml:1: a rule file has no field "grups"; did you mean "groups"?'],
  ['- groups', 'rules.yml:1: a rule file must be a map of names and values'],
  ['groups: yes', 'rules.yml:1: groups must be a list'],
  ['groups:\n  - just text', 'rules.yml:2: a group must be a map of names and values'],
  ['groups:\n  - interval: 5s', 'rules.yml:2: a group needs a name'],
  ['groups:\n  - name: a\n  - name: a', 'rules.yml:3: the group name "a" stands twice in this file'],
  [
    'groups:\n  - name: a\n    interval: fast',
    'rules.yml:3: interval: "fast" is no duration; write it like 15s, 5m or 1h30m',
  ],
  ['groups:\n  - name: a\n    limit: many', 'rules.yml:3: limit must be a whole number, not "many"'],
  ['groups:\n  - name: a\n    rulez: []', 'rules.yml:3: a group has no field "rulez"; did you mean "rules"?'],
  [
    rule('{alert: X, expr: up, annotation: {a: b}}'),
    'rules.yml:4: a rule has no field "annotation"; did you mean "annotations"?',
  ],
  [
    rule('{alert: X, expr: up, zzz: 1}'),
    'rules.yml:4: a rule has no field "zzz"; known are record, alert, expr, for, keep_firing_for, labels, annotations',
  ],
  [rule('{expr: up}'), 'rules.yml:4: a rule needs `alert` or `record`'],
  [rule('{alert: X, record: y, expr: up}'), 'rules.yml:4: a rule is `alert` or `record`, not both'],
  [rule('{alert: X}'), 'rules.yml:4: a rule needs `expr`'],
  [rule('alert: X\n        expr: syntax'), 'rules.yml:5: expr cannot be parsed: 1:1: parse error: no'],
  [
    rule('alert: X\n        expr: up\n        for: 5'),
    'rules.yml:6: for: "5" is no duration; write it like 15s, 5m or 1h30m',
  ],
  [
    rule('alert: X\n        expr: up\n        labels:\n          __name__: x'),
    'rules.yml:7: __name__ cannot be set as a label',
  ],
  [rule('alert: X\n        expr: up\n        labels:\n          a: [1]'), 'rules.yml:7: labels "a" must be text'],
  [
    rule('alert: X\n        expr: up\n        labels: {a: "{{ $label.b }}"}'),
    'rules.yml:6: labels "a": template: __alert_X:1: undefined variable "$label"',
  ],
  [rule('{record: x, expr: up, for: 1m}'), 'rules.yml:4: a recording rule has no for'],
  [rule('{record: x, expr: up, annotations: {a: b}}'), 'rules.yml:4: a recording rule has no annotations'],
  [rule('{record: "x{a=1}", expr: up}'), 'rules.yml:4: "x{a=1}" names no series: braces belong into `expr`'],
  [rule('*nothing'), 'rules.yml:4: nothing is anchored as "nothing"'],
  ['groups: [', 'rules.yml:1:'],
  ['groups: []\ngroups: []', 'rules.yml:2: Map keys must be unique'],
])('%j is refused: %s', (text, complaint) => {
  expect(read(text).errors.join('\n')).toContain(complaint);
});

test('a map that merges itself comes to an end', () => {
  expect(read('groups: [{name: a, rules: [&x {alert: X, expr: up, <<: *x}]}]').errors.length).toBeLessThan(20);
});

test.each([[rule('{alert: X, expr: later}'), 'rules.yml:4: 1:1: later() is not supported yet']])(
  '%j is sound, but does not run yet: %s',
  (text, complaint) => {
    const { errors, unsupported } = read(text);
    expect(errors).toEqual([]);
    expect(unsupported.join('\n')).toContain(complaint);
  },
);

test('loading refuses both kinds, all of them at once', () => {
  const files = [
    { file: 'a.yml', text: rule('{alert: X, expr: later}') },
    { file: 'b.yml', text: rule('{alert: X}') },
  ];
  const message = /a\.yml:4: 1:1: later\(\) is not supported yet\nb\.yml:4: a rule needs `expr`/;
  expect(() => loadRules(files, options)).toThrow(
    expect.objectContaining({ code: 'RULES_INVALID', message: expect.stringMatching(message) }),
  );
});

// What promtool says of rule files of the Prometheus project. The files are no part of this repository: they are looked for
// in the folder that holds the checks shared by several checkouts; where it isn't, this says so and has nothing to compare.
const SHARED = new URL('../../../../../shared/conformance/', import.meta.url);
const verdicts = existsSync(new URL('verdicts.tsv', SHARED))
  ? readFileSync(new URL('verdicts.tsv', SHARED), 'utf8')
      .split('\n')
      .map((line) => line.split('\t') as [string, string])
      .filter(([file, verdict]) => file.startsWith('rules/') && (verdict === 'accept' || verdict === 'refuse'))
  : [];

test('the same verdicts as promtool check rules', ({ annotate }) => {
  if (verdicts.length === 0) return void annotate(`no ${SHARED.pathname}: nothing was compared with promtool`);
  const ours = verdicts.map(([file]) => {
    const text = readFileSync(new URL(file, SHARED), 'utf8');
    return [file, parseRuleFile({ file, text }, { checkExpression: parse }).errors.length > 0 ? 'refuse' : 'accept'];
  });
  expect(ours).toEqual(verdicts);
});
