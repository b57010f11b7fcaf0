import { type FakeSeries, fakeMetrics, fakeShapes, type Labels } from './fake-series.ts';

// Just enough of a query language to answer the page: the shape of an expression picks its series, `=` matchers filter
// them, a sum without `by` adds them up. It is no engine, and what it cannot recognise it answers with no series.

/** A refusal, as the server would word it. */
export class FakeProblem extends Error {}

function checkBrackets(expr: string): void {
  let open = 0;
  for (let i = 0; i < expr.length; i++) {
    if (expr[i] === '(') open++;
    if (expr[i] === ')' && --open < 0)
      throw new FakeProblem(`1:${i + 1}: parse error: unexpected right parenthesis ')'`);
  }
  if (open > 0) throw new FakeProblem(`1:${expr.length + 1}: parse error: unclosed left parenthesis`);
}

function matches(labels: Labels, expr: string): boolean {
  for (const [, name = '', value = ''] of expr.matchAll(/([a-zA-Z_]\w*)="([^"]*)"/g)) {
    if (labels[name] !== undefined && labels[name] !== value) return false;
  }
  return true;
}

function sumOf(series: readonly FakeSeries[]): FakeSeries {
  return { labels: {}, at: (seconds) => series.reduce((sum, one) => sum + (one.at(seconds) ?? 0), 0) };
}

/** The series an expression stands for. Throws `FakeProblem` for what no engine could read. */
export function fakeSelect(expr: string): FakeSeries[] {
  checkBrackets(expr);
  const shape = fakeShapes.find(([pattern]) => pattern.test(expr));
  const name = Object.keys(fakeMetrics)
    .filter((metric) => new RegExp(`\\b${metric}\\b`).test(expr))
    .sort((a, b) => expr.indexOf(a) - expr.indexOf(b))[0];
  const make = shape?.[1] ?? (name === undefined ? undefined : fakeMetrics[name]);
  if (make === undefined) return [];
  const found = make().filter((series) => matches(series.labels, expr));
  return /^sum\s*\(/.test(expr) ? [sumOf(found)] : found;
}
