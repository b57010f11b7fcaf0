import { expect, test } from 'vitest';
import { readsOf, shownExpression } from './reads.ts';

test.each([
  ['a + sum(b)', 'a', true],
  ['a + sum(b)', 'b', true],
  ['a + sum(b)', 'c', false],
  ['rate(a[5m])', 'a', true],
  ['max_over_time(sum(a)[5m:1m])', 'a', true],
  ['{__name__=~"job:.+"}', 'job:a:sum', true],
  ['{__name__=~"job:.+"}', 'a', false],
  ['{__name__!="a", x="1"}', 'b', true],
  ['{job="x"}', 'anything', true],
  ['time() + 1', 'a', false],
  ['absent(ALERTS)', 'ALERTS', true],
  ['info(a)', 'target_info', true],
  ['no expression (', 'a', true],
])('whether %s may read %s: %s', (expression, name, expected) => {
  expect(readsOf(expression)(name)).toBe(expected);
});

test('an expression is shown as Prometheus prints it', () => {
  expect(shownExpression(' sum(x)  by(job)>1')).toBe('sum by (job) (x) > 1');
  expect(shownExpression('x(')).toBe('x(');
});
