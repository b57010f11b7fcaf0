import { expect, test } from 'vitest';
import {
  addedTo,
  formatMatcher,
  matcherOf,
  matcherProblem,
  matchersOfLabels,
  matches,
  matchesAll,
  type Operator,
  operatorOf,
  operators,
  parseFilter,
  passes,
} from './matchers.ts';

const labels = { alertname: 'HighLoad', severity: 'page', path: '/a\n/b' };

test.each<[string, Operator, string, boolean]>([
  ['severity', '=', 'page', true],
  ['severity', '!=', 'page', false],
  ['severity', '=~', 'pa.*', true],
  ['severity', '=~', 'pa', false],
  ['severity', '!~', 'a|b', true],
  ['absent', '=', '', true],
  ['absent', '!=', 'x', true],
  ['absent', '=~', '.*', true],
  ['path', '=~', '/a.*', true],
  ['severity', '=~', '(', false],
])('%s %s %s: %s', (name, operator, value, expected) => {
  expect(matches(matcherOf(name, operator, value), labels)).toBe(expected);
});

test('operators are told as they are written, also where equality is left out', () => {
  for (const operator of operators) expect(operatorOf(matcherOf('a', operator, 'b'))).toBe(operator);
  expect(operatorOf({ name: 'a', value: 'b', isRegex: true })).toBe('=~');
  expect(formatMatcher(matcherOf('a', '!~', 'x"y'))).toBe('a!~"x\\"y"');
});

test('the matchers of labels match them and no others', () => {
  const matchers = matchersOfLabels(labels);
  expect(matchers.map((matcher) => matcher.name)).toEqual(['alertname', 'path', 'severity']);
  expect(matchesAll(matchers, labels)).toBe(true);
  expect(matchesAll(matchers, { ...labels, severity: 'info' })).toBe(false);
});

test('a filter is matchers and words', () => {
  const filter = parseFilter('severity="page", {path=~"/a.*"} high team!=b');
  expect(filter.matchers.map(formatMatcher)).toEqual(['severity="page"', 'path=~"/a.*"', 'team!="b"']);
  expect(filter.words).toEqual(['high']);
  expect(passes(filter, labels)).toBe(true);
  expect(passes(filter, { ...labels, team: 'b' })).toBe(false);
  expect(passes(parseFilter('disk'), labels, 'the disk is full')).toBe(true);
  expect(passes(parseFilter(''), {})).toBe(true);
});

test('what cannot be read is said', () => {
  expect(parseFilter('a=~"("').problem).toContain('not a regular expression');
  expect(matcherProblem(matcherOf(' ', '=', 'x'))).toContain('name is missing');
  expect(matcherProblem(matcherOf('a', '=', '('))).toBeUndefined();
});

test('a matcher is added to a filter once', () => {
  expect(addedTo('', 'a="1"')).toBe('a="1"');
  expect(addedTo('word', 'a="1"')).toBe('word a="1"');
  expect(addedTo('a="1"', 'a="1"')).toBe('a="1"');
});
