import { existsSync, readFileSync } from 'node:fs';
import { parse } from '@tidemark/promql';
import { expect, test } from 'vitest';
import { loadRules } from '../rules/file.ts';
import { runUnitTests } from './run-unit-tests.ts';
import { parseUnitTestFile } from './unit-test-file.ts';

const RULES = `groups:
- name: late
  rules:
  - {record: twice, expr: once * 2}
- name: early
  rules:
  - {record: once, expr: x}
  - alert: High
    expr: x > 2
    for: 2m
    labels: {severity: page}
    annotations: {summary: '{{ $labels.i }} at {{ $value }} in {{ $externalLabels.zone }}'}
`;

async function run(tests: string, rules = RULES) {
  const parsed = parseUnitTestFile({ file: 't.yml', text: tests });
  if (parsed.errors.length > 0) return parsed.errors;
  const { groups } = loadRules([{ file: 'r.yml', text: rules }], { checkExpression: (text) => void parse(text) });
  const outcomes = await runUnitTests(parsed, groups);
  return outcomes.flatMap(({ failures }) => failures);
}

const HEAD = `rule_files: [r.yml]
group_eval_order: [early, late]
tests:
- name: it
  external_labels: {zone: eu}
  input_series:
  - {series: 'x{i="a"}', values: '1 2 3+1x5 stale'}
`;

test('alerts and expressions are compared at their times', async () => {
  const tests = `${HEAD}  alert_rule_test:
  - {eval_time: 3m, alertname: High}
  - eval_time: 4m30s
    alertname: High
    exp_alerts:
    - exp_labels: {i: a, severity: page}
      exp_annotations: {summary: a at 5 in eu}
  promql_expr_test:
  - {expr: twice, eval_time: 4m, exp_samples: [{labels: 'twice{i="a"}', value: 10}]}
  - {expr: 'count(ALERTS{alertstate="pending"})', eval_time: 2m, exp_samples: [{value: 1}]}
  - {expr: x, eval_time: 8m, exp_samples: []}
`;
  expect(await run(tests)).toEqual([]);
});

test('what is other than expected is told, with place, time and both sides', async () => {
  const tests = `${HEAD}  alert_rule_test:
  - {eval_time: 5m, alertname: High, exp_alerts: [{exp_labels: {i: b}}]}
  promql_expr_test:
  - {expr: sum(x), eval_time: 0, exp_samples: [{value: 7}]}
`;
  expect(await run(tests)).toEqual([
    't.yml:9: name: it, alertname: High, time: 5m' +
      '\n    exp:\n      labels {alertname="High", i="b"} annotations {}' +
      '\n    got:\n      labels {alertname="High", i="a", severity="page"} annotations {summary="a at 6 in eu"}',
    't.yml:11: name: it, expr: "sum(x)", time: 0s\n    exp:\n      {} 7\n    got:\n      {} 1',
  ]);
});

test.each([
  ['tests: [{input_serie: []}]', 't.yml:1: a test has no field "input_serie"; did you mean "input_series"?'],
  ['tests:\n- alert_rule_test:\n  - {eval_time: 1}', 't.yml:3: eval_time: "1" is no duration'],
  ['tests: [{promql_expr_test: [{expr: x, exp_samples: [{value: many}]}]}]', 'value must be a number, not "many"'],
  [`tests: [{input_series: [{series: 'x{a="b"', values: 1}]}]`, 't.yml:1: cannot read the series'],
  ['tests: [{start_timestamp: soon}]', '"soon" is no time'],
])('%s is refused: %s', async (text, why) => {
  expect((await run(text)).join('\n')).toContain(why);
});

test('a rule that fails ends the test, and says when', async () => {
  const rules = 'groups: [{name: g, rules: [{record: y, expr: x + on (j) x}]}]';
  const tests = `tests:\n- input_series:\n  - {series: 'x{j="1", k="1"}', values: '_ 1'}\n  - {series: 'x{j="1", k="2"}', values: '_ 1'}\n  promql_expr_test: [{expr: y, eval_time: 5m}]\n`;
  const failures = await run(tests, rules);
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatch(/^t\.yml:2: rule: y, time: 1m, err: /);
});

// What promtool says of the unit tests of the Prometheus project: looked for as in rules/file.test.ts.
const SHARED = new URL('../../../../../shared/conformance/', import.meta.url);
const FOLDER = 'rules/promtool/';
const verdicts = existsSync(new URL('verdicts.tsv', SHARED))
  ? readFileSync(new URL('verdicts.tsv', SHARED), 'utf8')
      .split('\n')
      .map((line) => line.split('\t') as [string, string])
      .filter(([file, verdict]) => file.startsWith(FOLDER) && (verdict === 'pass' || verdict === 'fail'))
  : [];

async function verdictOf(file: string): Promise<string[]> {
  const read = (path: string) => ({ file: path, text: readFileSync(new URL(path, SHARED), 'utf8') });
  const parsed = parseUnitTestFile(read(file));
  if (parsed.errors.length > 0) return [...parsed.errors];
  try {
    const { groups } = loadRules(
      parsed.ruleFiles.map((name) => read(FOLDER + name)),
      { checkExpression: (text) => void parse(text) },
    );
    const outcomes = await runUnitTests(parsed, groups);
    return outcomes.flatMap(({ failures }) => failures);
  } catch (error) {
    return [String(error)];
  }
}

test('the same verdicts as promtool test rules', { timeout: 60_000 }, async ({ annotate }) => {
  if (verdicts.length === 0) return void annotate(`no ${SHARED.pathname}: nothing was compared with promtool`);
  for (const [file, verdict] of verdicts) {
    const failures = await verdictOf(file);
    expect([file, failures.length === 0 ? 'pass' : 'fail', verdict === 'pass' ? failures : []]).toEqual([
      file,
      verdict,
      [],
    ]);
  }
});

test('tests of one file are judged one by one', async ({ annotate }) => {
  if (verdicts.length === 0) return void annotate(`no ${SHARED.pathname}: nothing was compared with promtool`);
  for (const file of ['rules_run.yml', 'rules_run_fuzzy.yml']) {
    const parsed = parseUnitTestFile({ file, text: readFileSync(new URL(FOLDER + file, SHARED), 'utf8') });
    const outcomes = await runUnitTests(parsed, []);
    expect(outcomes.map(({ test: { name }, failures }) => [name.split(' ')[0], failures.length > 0])).toEqual([
      ['correct', false],
      ['wrong', true],
    ]);
  }
});

test('native histograms: in series, recorded, and expected; a difference shows both', async () => {
  const rules = `groups:
- name: native
  rules:
  - {record: 'h:sum', expr: 'sum(h)'}
`;
  const head = `rule_files: [r.yml]
tests:
- name: it
  input_series:
  - {series: 'h{i="a"}', values: '{{sum:3 count:2 buckets:[2]}} {{sum:5 count:4 buckets:[2 2]}}'}
  - {series: 'h{i="b"}', values: '{{sum:1 count:1 buckets:[0 1]}}x3'}
  promql_expr_test:
`;
  const expected = (histogram: string) =>
    `${head}  - {expr: 'h:sum', eval_time: 1m, exp_samples: [{labels: 'h:sum', histogram: '${histogram}'}]}\n`;
  const right = '{{sum:6 count:5 counter_reset_hint:not_reset buckets:[2 3 0]}}';
  expect(await run(expected(right), rules)).toEqual([]);
  const [failure = ''] = await run(expected('{{sum:6 count:5 buckets:[3 2]}}'), rules);
  expect(failure).toContain('{{count:5 sum:6 buckets:[3 2]}}');
  expect(failure).toContain('{{count:5 sum:6 counter_reset_hint:not_reset buckets:[2 3]}}');
  expect(await run(expected('{{sum:x}}'), rules)).toEqual([
    't.yml:8: histogram must be like {{sum:3 count:2 buckets:[2]}}, not {{sum:x}}',
  ]);
});
