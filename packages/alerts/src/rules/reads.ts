import { METRIC_NAME } from '@tidemark/model';
import { childrenOf, type Expr, parse, print } from '@tidemark/promql';

// Which metrics an expression may read, by name: a rule that reads nothing of what its group has just computed does not have to
// wait for it to be written.

export type Reads = (metricName: string) => boolean;

const EVERYTHING: Reads = () => true;

/** For an expression that cannot be parsed: everything. */
export function readsOf(expression: string): Reads {
  try {
    const selectors = selectorsOf(parse(expression));
    if (selectors === undefined) return EVERYTHING;
    return (name) => selectors.some((matches) => matches(name));
  } catch {
    return EVERYTHING;
  }
}

/** One test per selector; undefined where a function reads more than it shows. */
function selectorsOf(expr: Expr): readonly Reads[] | undefined {
  if (expr.kind === 'call' && expr.name === 'info') return undefined;
  if (expr.kind === 'vectorSelector') {
    const names = expr.matchers.filter(({ name }) => name === METRIC_NAME);
    return [(metricName) => names.every((matcher) => matcher.matches(metricName))];
  }
  const all: Reads[] = [];
  for (const child of childrenOf(expr)) {
    const found = selectorsOf(child);
    if (found === undefined) return undefined;
    all.push(...found);
  }
  return all;
}

/** As Prometheus shows it: written anew, with one blank where there is any. What cannot be parsed stays as it is. */
export function shownExpression(expression: string): string {
  try {
    return print(parse(expression));
  } catch {
    return expression;
  }
}
