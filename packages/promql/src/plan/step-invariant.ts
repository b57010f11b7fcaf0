import { childrenOf, type Expr } from '../language/ast.ts';

// Expressions that are the same at every step: made of literals and of selectors pinned with `@`. They are evaluated once
// and spread. Functions of the evaluation time are never among them.

const DEPENDS_ON_TIME: ReadonlySet<string> = new Set([
  'time',
  'timestamp',
  'predict_linear',
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'days_in_month',
  'hour',
  'minute',
  'month',
  'year',
]);

export function findInvariant(root: Expr): ReadonlySet<Expr> {
  const found = new Set<Expr>();

  function visit(expr: Expr): boolean {
    // Every child is visited: those below a varying expression may be invariant themselves.
    const below = childrenOf(expr).map(visit);
    const invariant = isInvariant(expr, below);
    if (invariant) found.add(expr);
    return invariant;
  }

  visit(root);
  return found;
}

function isInvariant(expr: Expr, below: readonly boolean[]): boolean {
  switch (expr.kind) {
    case 'vectorSelector':
    case 'subquery':
      return expr.at !== undefined;
    case 'matrixSelector':
      return expr.selector.at !== undefined;
    case 'call':
      return !DEPENDS_ON_TIME.has(expr.name) && below.every(Boolean);
    default:
      return below.every(Boolean);
  }
}
