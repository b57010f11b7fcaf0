import type { At, Duration, Expr, Extension, VectorSelector } from './ast.ts';
import { syntaxError, typeError } from './errors.ts';

// What may follow a selector: a range, an offset, a fixed time, what it sees beyond its range. Each may stand once, on a selector or a subquery only.

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

export function applyExtension(text: string, expr: Expr, extension: Extension, end: number): Expr {
  const position = { start: expr.position.start, end };
  const selector = expr.kind === 'matrixSelector' ? expr.selector : expr;
  if (selector.kind === 'subquery') {
    throw typeError(text, position, `${extension} modifier is not supported for subqueries`);
  }
  if (selector.kind !== 'vectorSelector') {
    throw typeError(text, position, `${extension} modifier must be preceded by an instant or range vector selector`);
  }
  if (selector.extension !== undefined && selector.extension !== extension) {
    throw typeError(text, position, 'anchored and smoothed modifiers cannot be used together');
  }
  if (expr.kind === 'matrixSelector') return { ...expr, selector: { ...selector, extension }, position };
  return { ...selector, extension, position };
}

export function applyRange(text: string, expr: Expr, range: Duration, end: number): Expr {
  const position = { start: expr.position.start, end };
  if (expr.kind !== 'vectorSelector') throw syntaxError(text, position, 'ranges only allowed for vector selectors');
  if (expr.offset !== undefined) throw syntaxError(text, position, 'no offset modifiers allowed before range');
  if (expr.at !== undefined) throw syntaxError(text, position, 'no @ modifiers allowed before range');
  if (expr.extension !== undefined)
    throw syntaxError(text, position, `no ${expr.extension} modifier allowed before range`);
  const selector: VectorSelector = expr;
  return { kind: 'matrixSelector', selector, range, position };
}

export function applySubquery(expr: Expr, range: Duration, step: Duration | undefined, end: number): Expr {
  const position = { start: expr.position.start, end };
  return { kind: 'subquery', expr, range, step, offset: undefined, at: undefined, position };
}
