import { isTidemarkError } from '@tidemark/base';
import { describe, expect, test } from 'vitest';
import { format } from './format.ts';
import { nestingOf } from './nesting.ts';
import { EXPRESSION_LENGTH_MAX, parse, parseSelector } from './parse.ts';
import { print } from './print.ts';

/** Fully parenthesised, to show what binds what. */
function shape(text: string): string {
  const walk = (expr: ReturnType<typeof parse>): string => {
    if (expr.kind === 'binary') return `(${walk(expr.left)} ${expr.operator} ${walk(expr.right)})`;
    if (expr.kind === 'unary') return `(${expr.operator}${walk(expr.expr)})`;
    if (expr.kind === 'paren') return walk(expr.expr);
    return print(expr);
  };
  return walk(parse(text));
}

describe('precedence', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['1 + 2 * 3', '(1 + (2 * 3))'],
    ['1 - 2 - 3', '((1 - 2) - 3)'],
    ['2 ^ 3 ^ 2', '(2 ^ (3 ^ 2))'],
    ['-1 ^ 2', '(-(1 ^ 2))'],
    ['-a ^ b * c', '((-(a ^ b)) * c)'],
    ['2 ^ -1', '(2 ^ -1)'],
    ['-1 * 2', '(-1 * 2)'],
    ['--1', '1'],
    ['a + b offset 5m', '(a + b offset 5m)'],
    ['a + b offset 5m * c', '(a + (b offset 5m * c))'],
    ['a * b @ 10 + c', '((a * b @ 10.000) + c)'],
    ['a or b and c', '(a or (b and c))'],
    ['a and b or c unless d', '((a and b) or (c unless d))'],
    ['a == b + 1', '(a == (b + 1))'],
    ['1 -1', '(1 - 1)'],
    ['a atan2 b * c', '((a atan2 b) * c)'],
    ['a and on (x) b + on (y) c', '(a and (b + c))'],
  ];
  for (const [text, wanted] of cases) test(text, () => expect(shape(text)).toBe(wanted));
});

describe('printing', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['sum(x)by(a,b)', 'sum by (a, b) (x)'],
    ['SUM without () (x)', 'sum without () (x)'],
    ["x{a='b',}", 'x{a="b"}'],
    ['{"my.metric", a!~"b"}', '{__name__="my.metric",a!~"b"}'],
    ['x{b="2", a="1", "c d"="3"}', 'x{"c d"="3",a="1",b="2"}'],
    ['1e25 + 1e-10', '10000000000000000000000000 + 0.0000000001'],
    ['{__name__="x"}', '{__name__="x"}'],
    ['x[90s]', 'x[1m30s]'],
    ['x[5m:]offset 1h@end()', 'x[5m:] @ end() offset 1h'],
    ['1e3 + 0x1f + 1_000 + 2. + .5', '1000 + 31 + 1000 + 2 + 0.5'],
    ['5m + 1h30m', '5m + 1h30m'],
    ['-Inf + nan', '-Inf + NaN'],
    ['a/on(x)group_left(y,z)b', 'a / on (x) group_left (y, z) b'],
    ['a >bool ignoring(x) b', 'a > bool ignoring (x) b'],
    ['x[STEP()*2]', 'x[step() * 2s]'],
    ['topk(3,x)', 'topk(3, x)'],
    ['`raw\\n`', '"raw\\\\n"'],
    ['"\\u00e9\\x41\\101"', '"éAA"'],
    ['x # a comment', 'x'],
    ['sum by ("a b") (x)', 'sum by ("a b") (x)'],
    ['by + sum + unless + fill', 'by + sum + unless + fill'],
  ];
  for (const [text, wanted] of cases) {
    test(text, () => expect(print(parse(text))).toBe(wanted));
  }
});

describe('laid out over lines', () => {
  const long = (i: number) => `a_rather_long_name_of_a_metric_${i}{instance="somewhere"}`;
  const cases: readonly (readonly [string, string])[] = [
    ['sum(x)', 'sum(x)'],
    [
      `sum by (a) (rate(${long(1)}[5m]) / on (b) group_left () rate(${long(2)}[5m]))`,
      `sum by (a) (
    rate(${long(1)}[5m])
  / on (b) group_left ()
    rate(${long(2)}[5m])
)`,
    ],
    [
      `-quantile(0.9, max_over_time((${long(1)} + ${long(2)})[1h:5m] @ end() offset 1m))`,
      `-quantile(
  0.9,
  max_over_time(
    (
        ${long(1)}
      +
        ${long(2)}
    )[1h:5m] @ end() offset 1m
  )
)`,
    ],
    [
      `label_replace(${long(1)}, "here", "$1", "there", "(.*)-with-a-long-tail-with-a-long-tail")`,
      `label_replace(
  ${long(1)},
  "here",
  "$1",
  "there",
  "(.*)-with-a-long-tail-with-a-long-tail"
)`,
    ],
  ];
  test.each(cases)('%s', (text, wanted) => {
    expect(format(parse(text))).toBe(wanted);
    expect(format(parse(wanted))).toBe(wanted);
  });
});

test.each([
  ['x', 0],
  ['sum(rate(x{a="(((("}[5m])) # ((((', 3],
  ['- - +-x - y', 4],
  [')))(', 1],
  [`"a\\"((" + '((' + \`\\\` + ("`, 1],
  ['x + # (\n (((', 3],
])('nesting, told by brackets and signs: %s', (text, depth) => expect(nestingOf(text)).toBe(depth));

describe('what is refused, and how', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['', 'PROMQL_SYNTAX', '1:1: parse error: no expression found in input'],
    [' # nothing', 'PROMQL_SYNTAX', '1:1: parse error: no expression found in input'],
    ['x +', 'PROMQL_SYNTAX', '1:4: parse error: unexpected end of input'],
    ['x[5m', 'PROMQL_SYNTAX', '1:5: parse error: unexpected end of input'],
    ['a\n + * b', 'PROMQL_SYNTAX', '2:4: parse error: unexpected operator "*"'],
    ['1 2', 'PROMQL_SYNTAX', '1:3: parse error: unexpected number "2"'],
    ['x{a="b}', 'PROMQL_SYNTAX', '1:8: parse error: unexpected end of input'],
    ['foo(x)', 'PROMQL_SYNTAX', '1:1: parse error: unknown function with name "foo"'],
    ['x{a=~"("}', 'PROMQL_SYNTAX', '1:3: parse error: the regex "(" of a is invalid'],
    ['{}', 'PROMQL_SYNTAX', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
    ['{a=~".*"}', 'PROMQL_SYNTAX', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
    ['x{__name__="y"}', 'PROMQL_SYNTAX', '1:1: parse error: metric name must not be set twice: "x" or "y"'],
    ['x offset 5m[5m]', 'PROMQL_SYNTAX', '1:1: parse error: no offset modifiers allowed before range'],
    ['x[0s]', 'PROMQL_SYNTAX', '1:1: parse error: duration must be greater than 0'],
    ['(x)[5m]', 'PROMQL_SYNTAX', '1:1: parse error: ranges only allowed for vector selectors'],
    ['x @ 1e99', 'PROMQL_SYNTAX', '1:5: parse error: timestamp out of bounds for @ modifier: 1e99'],
    ['"\\q"', 'PROMQL_SYNTAX', '1:1: parse error: unterminated or malformed quoted string'],
    [
      'rate(x)',
      'PROMQL_TYPE',
      '1:6: parse error: expected type range vector in call to function "rate", got instant vector',
    ],
    ['abs()', 'PROMQL_TYPE', '1:1: parse error: expected 1 argument(s) in call to "abs", got 0'],
    ['round(x, 1, 2)', 'PROMQL_TYPE', '1:1: parse error: expected at most 2 argument(s) in call to "round", got 3'],
    [
      'label_join(x, "a")',
      'PROMQL_TYPE',
      '1:1: parse error: expected at least 3 argument(s) in call to "label_join", got 2',
    ],
    [
      'sum(x[5m])',
      'PROMQL_TYPE',
      '1:5: parse error: expected type instant vector in aggregation expression, got range vector',
    ],
    [
      'topk(x)',
      'PROMQL_TYPE',
      '1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1',
    ],
    ['topk("a", x)', 'PROMQL_TYPE', '1:6: parse error: expected type scalar in aggregation parameter, got string'],
    ['x and 1', 'PROMQL_TYPE', '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
    ['1 > 2', 'PROMQL_TYPE', '1:1: parse error: comparisons between scalars must use BOOL modifier'],
    ['x + bool y', 'PROMQL_TYPE', '1:1: parse error: bool modifier can only be used on comparison operators'],
    ['x + on (a) 1', 'PROMQL_TYPE', '1:1: parse error: vector matching only allowed between instant vectors'],
    ['x + ignoring (a) 1', 'PROMQL_TYPE', '1:1: parse error: vector matching only allowed between instant vectors'],
    ['x and on (a) group_left () y', 'PROMQL_TYPE', '1:14: parse error: no grouping allowed for "and" operation'],
    [
      'x * on (a) group_left (a) y',
      'PROMQL_TYPE',
      '1:1: parse error: label "a" must not occur in ON and GROUP clause at once',
    ],
    [
      '-"a"',
      'PROMQL_TYPE',
      '1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector',
    ],
    ['1[5m:]', 'PROMQL_TYPE', '1:1: parse error: subquery is only allowed on instant vector, got scalar instead'],
    ['x offset 1m offset 2m', 'PROMQL_TYPE', '1:1: parse error: offset may not be set multiple times'],
    [
      'sum(x) offset 1m',
      'PROMQL_TYPE',
      '1:1: parse error: offset modifier must be preceded by an instant vector selector',
    ],
    ['x[5m] anchored smoothed', 'PROMQL_TYPE', 'anchored and smoothed modifiers cannot be used together'],
    ['x[5m:] anchored', 'PROMQL_TYPE', '1:1: parse error: anchored modifier is not supported for subqueries'],
    ['sum(x) smoothed', 'PROMQL_TYPE', 'smoothed modifier must be preceded by an instant or range vector selector'],
    ['1 @ 5', 'PROMQL_TYPE', '1:1: parse error: @ modifier must be preceded by an instant vector selector'],
    ['1 </ 5', 'PROMQL_TYPE', 'operator "</" not allowed for Scalar operations'],
  ];
  for (const [text, code, message] of cases) {
    test(text === '' ? '(nothing)' : text, () => {
      let caught: unknown;
      try {
        parse(text);
      } catch (error) {
        caught = error;
      }
      expect(isTidemarkError(caught, code), String(caught)).toBe(true);
      expect(String(caught)).toContain(message);
    });
  }

  test('a text without end', () => {
    expect(() => parse('x'.repeat(EXPRESSION_LENGTH_MAX))).not.toThrow();
    expect(() => parse('x'.repeat(EXPRESSION_LENGTH_MAX + 1))).toThrow('65537 characters long, more than 65536');
  });
});

test('positions are where things were written', () => {
  const text = '  sum by (a) (rate(x{a="b"}[5m] offset 1m)) > 10';
  const expr = parse(text);
  const cut = ({ position }: { position: { start: number; end: number } }) => text.slice(position.start, position.end);
  expect(cut(expr)).toBe('sum by (a) (rate(x{a="b"}[5m] offset 1m)) > 10');
  if (expr.kind !== 'binary' || expr.left.kind !== 'aggregate') throw new Error('another shape');
  expect(cut(expr.right)).toBe('10');
  expect(cut(expr.left.expr)).toBe('rate(x{a="b"}[5m] offset 1m)');
  if (expr.left.expr.kind !== 'call') throw new Error('another shape');
  expect(expr.left.expr.args.map(cut)).toEqual(['x{a="b"}[5m] offset 1m']);
});

describe('a lone selector', () => {
  test('gives its matchers', () => {
    const matchers = parseSelector('up{job=~"a|b", zone!="c"}').map(
      ({ name, type, value }) => `${name}${type}${value}`,
    );
    expect(matchers).toEqual(['job=~a|b', 'zone!=c', '__name__=up']);
  });

  for (const text of ['up offset 5m', 'up @ 5', 'up[5m]', 'up + up', '(up)', '1']) {
    test(`${text} is more than that`, () => expect(() => parseSelector(text)).toThrow('expected a series selector'));
  }

  test('of nothing in particular is refused', () => {
    expect(() => parseSelector('{job=~".*"}')).toThrow('at least one non-empty matcher');
  });
});
