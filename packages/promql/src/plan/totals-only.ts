import { childrenOf, type Expr, type VectorSelector } from '../language/ast.ts';

// Selectors of whose native histograms only count and sum are asked: `histogram_count(sum(rate(x[5m])))`. Prometheus reads those by
// another way, which finds out of each histogram whether it begins anew; so must we, for sums warn of such as do not agree.

const ASKS_TOTALS: ReadonlySet<string> = new Set(['histogram_count', 'histogram_sum', 'histogram_avg']);
const ASKS_BUCKETS: ReadonlySet<string> = new Set([
  'histogram_quantile',
  'histogram_quantiles',
  'histogram_fraction',
  'histogram_stddev',
  'histogram_stdvar',
]);

export function findTotalsOnly(root: Expr): ReadonlySet<VectorSelector> {
  const found = new Set<VectorSelector>();

  function visit(expr: Expr, totals: boolean): void {
    if (expr.kind === 'vectorSelector' && totals) found.add(expr);
    const below = expr.kind === 'call' && ASKS_TOTALS.has(expr.name);
    const ends =
      expr.kind === 'subquery' || (expr.kind === 'call' && ASKS_BUCKETS.has(expr.name)) || comparesBuckets(expr);
    for (const child of childrenOf(expr)) visit(child, below || (totals && !ends));
  }

  visit(root, false);
  return found;
}

function comparesBuckets(expr: Expr): boolean {
  return expr.kind === 'binary' && ['==', '!=', '</', '>/'].includes(expr.operator);
}
