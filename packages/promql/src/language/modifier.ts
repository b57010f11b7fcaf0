import type { At, Duration, Expr, VectorSelector } from './ast.ts';
import { syntaxError, typeError } from './errors.ts';

// What may follow a selector: a range, an offset, a fixed time. Each may stand once, on a selector or a subquery only.

export function applyOffset(text: string, expr: Expr, offset: Duration, end: number): Expr {
  const position = { start: expr.position.start, end };
  const before = expr.kind === 'matrixSelector' ? expr.selector.offset : 'offset' in expr ? expr.offset : undefined;
  if (before !== undefined) throw typeError(text, position, 'offset may not be set multiple times');
  if (expr.kind === 'vectorSelector' || expr.kind === 'subquery') return { ...expr, offset, position };
  if (expr.kind === 'matrixSelector') return { ...expr, selector: { ...expr.selector, offset }, position };
  throw typeError(
    text,
    position,
    'offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
  );
}

export function applyAt(text: string, expr: Expr, at: At, end: number): Expr {
  const position = { start: expr.position.start, end };
  const before = expr.kind === 'matrixSelector' ? expr.selector.at : 'at' in expr ? expr.at : undefined;
  if (before !== undefined) throw typeError(text, position, '@ <timestamp> may not be set multiple times');
  if (expr.kind === 'vectorSelector' || expr.kind === 'subquery') return { ...expr, at, position };
  if (expr.kind === 'matrixSelector') return { ...expr, selector: { ...expr.selector, at }, position };
  throw typeError(
    text,
    position,
    '@ modifier must be preceded by an instant vector selector or range vector selector or a subquery',
  );
}

export function applyRange(text: string, expr: Expr, range: Duration, end: number): Expr {
  const position = { start: expr.position.start, end };
  if (expr.kind !== 'vectorSelector') throw syntaxError(text, position, 'ranges only allowed for vector selectors');
  if (expr.offset !== undefined) throw syntaxError(text, position, 'no offset modifiers allowed before range');
  if (expr.at !== undefined) throw syntaxError(text, position, 'no @ modifiers allowed before range');
  const selector: VectorSelector = expr;
  return { kind: 'matrixSelector', selector, range, position };
}

export function applySubquery(expr: Expr, range: Duration, step: Duration | undefined, end: number): Expr {
  const position = { start: expr.position.start, end };
  return { kind: 'subquery', expr, range, step, offset: undefined, at: undefined, position };
}
