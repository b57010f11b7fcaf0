import { matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import type { GroupStatus, RuleStatus } from '../rules/status.ts';
import { type RulesFilter, rulesAnswer } from './rules.ts';

const rule = (name: string, kind: 'alerting' | 'recording' = 'alerting', team = 'core'): RuleStatus => ({
  rule: {
    ...(kind === 'alerting' ? { kind, forMs: 0, keepFiringForMs: 0, annotations: [] } : { kind }),
    name,
    expression: 'up',
    labels: [{ name: 'team', value: team }],
  } as RuleStatus['rule'],
  query: 'up',
  health: 'err',
  lastError: 'why',
  fresh: true,
  evaluationSeconds: 0.5,
  lastEvaluationMs: 0,
  alerts: [],
});
const group = (file: string, name: string, rules: RuleStatus[]): GroupStatus => ({
  file,
  name,
  intervalMs: 15_000,
  limit: 3,
  rules,
  evaluationSeconds: 1,
  lastEvaluationMs: 0,
  lastSamples: 0,
});
const GROUPS = [
  group('a.yml', 'one', [rule('X'), rule('r', 'recording')]),
  group('a.yml', 'two', [rule('Y', 'alerting', 'web')]),
  group('b.yml', 'one', [rule('X', 'alerting', 'web')]),
  group('b.yml', 'bare', []),
];

const shown = (filter: RulesFilter) =>
  rulesAnswer(GROUPS, filter).groups.map(
    ({ file, name, rules }) => `${file} ${name}: ${rules.map((r) => r.name).join(' ')}`,
  );

test.each<[RulesFilter, string[]]>([
  [{}, ['a.yml one: X r', 'a.yml two: Y', 'b.yml one: X']],
  [{ type: 'record' }, ['a.yml one: r']],
  [{ type: 'alert', files: ['a.yml'] }, ['a.yml one: X', 'a.yml two: Y']],
  [{ ruleNames: ['X'], groupNames: ['one'] }, ['a.yml one: X', 'b.yml one: X']],
  [{ matcherSets: [[matcher('=', 'team', 'web')]] }, ['a.yml two: Y', 'b.yml one: X']],
  [
    { matcherSets: [[matcher('=', 'team', 'web')], [matcher('!=', 'team', '')]] },
    ['a.yml one: X r', 'a.yml two: Y', 'b.yml one: X'],
  ],
])('%j', (filter, expected) => {
  expect(shown(filter)).toEqual(expected);
});

test('groups come in portions, each saying where the next begins', () => {
  const first = rulesAnswer(GROUPS, { groupLimit: 2 });
  expect(first.groups).toHaveLength(2);
  const token = first.groupNextToken as string;
  const second = rulesAnswer(GROUPS, { groupLimit: 2, groupNextToken: token });
  expect(second.groups.map((found) => `${found.file} ${found.name}`)).toEqual(['b.yml one']);
  expect(second).not.toHaveProperty('groupNextToken');
  expect(() => rulesAnswer(GROUPS, { groupLimit: 2, groupNextToken: 'unknown' })).toThrow(
    expect.objectContaining({ code: 'PARAM_INVALID', message: expect.stringContaining('were rule groups changed?') }),
  );
});

test('a recording rule has no state, a failing one its error', () => {
  expect(rulesAnswer(GROUPS).groups[0]?.rules[1]).toEqual({
    type: 'recording',
    name: 'r',
    query: 'up',
    labels: { team: 'core' },
    health: 'err',
    lastError: 'why',
    evaluationTime: 0.5,
    lastEvaluation: '1970-01-01T00:00:00.000Z',
  });
});
