import type { Expr } from '../language/ast.ts';
import type { Scope } from './scope.ts';

/** Rows were cut by a window, or a series ended among rows: the values are near, and it is said. */
export function noteUncertain(scope: Scope, expr: Expr): void {
  scope.accuracy.exact = false;
  const what =
    expr.kind === 'vectorSelector'
      ? 'values between the ends of rollup rows are the nearest known before'
      : 'windows that do not end where rollup rows do count what they cut by its share';
  scope.notes.info(`approximate: ${what}`, expr.position);
}
