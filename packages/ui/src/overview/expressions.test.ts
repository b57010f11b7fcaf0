import { parser } from '@prometheus-io/lezer-promql';
import { expect, test } from 'vitest';
import { examples } from '../explore/examples.ts';
import { panels } from './panels.ts';
import { stats } from './stats.ts';

const context = { host: 'we"b-1:9470', window: '30s' };

const expressions = [
  ...panels.flatMap((panel) => panel.queries.map((query) => query.expr(context))),
  ...stats.flatMap((stat) => stat.parts(context.host)),
  ...examples.map((example) => example.expr),
];

/** Where the grammar of Prometheus finds no way on; -1 when it reads all of `expr`. */
function firstError(expr: string): number {
  let at = -1;
  parser.parse(expr).iterate({
    enter: (node) => {
      if (node.type.isError && at < 0) at = node.from;
    },
  });
  return at;
}

test('the check finds errors', () => {
  expect([firstError('sum('), firstError('up{a="b"'), firstError('up')]).toEqual([4, 8, -1]);
});

test.each(expressions)('%s is PromQL, also for a host with a quote in its name', (expr) => {
  expect(firstError(expr)).toBe(-1);
});
