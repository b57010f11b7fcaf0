import type { Expr } from './ast.ts';
import { print, printAggregation, printMatching, printSubqueryTime } from './print.ts';

// A tree as text over several lines, as Prometheus' format_query lays it out: what fits on a line stays on it, of what does not
// the parts are on lines of their own, two spaces further in.

// Bytes; Prometheus' own.
const LINE_MOST = 100;

export function format(expr: Expr): string {
  return formatAt(expr, 0);
}

function formatAt(expr: Expr, level: number): string {
  const before = '  '.repeat(level);
  // A sign stands before what it is of, however that is laid out.
  if (expr.kind === 'unary') return `${before}${expr.operator}${formatAt(expr.expr, level).trim()}`;
  const line = print(expr);
  const fits = Buffer.byteLength(line) <= LINE_MOST;
  // Prometheus does not move a subquery that fits in.
  if (expr.kind === 'subquery') return fits ? line : `${formatAt(expr.expr, level)}${printSubqueryTime(expr)}`;
  if (fits) return before + line;
  const inner = (child: Expr) => formatAt(child, level + 1);
  const block = (opening: string, parts: readonly Expr[]) =>
    `${before}${opening}(\n${parts.map(inner).join(',\n')}\n${before})`;
  switch (expr.kind) {
    case 'aggregate':
      return block(printAggregation(expr), expr.param ? [expr.param, expr.expr] : [expr.expr]);
    case 'call':
      return block(expr.name, expr.args);
    case 'paren':
      return block('', [expr.expr]);
    case 'binary':
      return `${inner(expr.left)}\n${before}${expr.operator}${printMatching(expr)}\n${inner(expr.right)}`;
    default:
      return before + line;
  }
}
