import { type Matcher, METRIC_NAME, matcher } from '@tidemark/model';
import { type Call, childrenOf, type Expr, type Subquery, type VectorSelector } from '../language/ast.ts';

// Which info series info() reads, and as of when.

/** What names an info series must bear, of the matchers asked for: `target_info` where none; any `_info` where only what it is not. */
export function nameMatchersOf(matchers: readonly Matcher[]): readonly Matcher[] {
  const names = matchers.filter(({ name }) => name === METRIC_NAME);
  if (names.length === 0) return [matcher('=', METRIC_NAME, 'target_info')];
  if (names.some(({ type }) => type === '=' || type === '=~')) return names;
  return [matcher('=~', METRIC_NAME, '.+_info'), ...names];
}

/** A selector of the info series; when, is told by `infoTimes`. */
export function infoSelector({ args, position }: Call): VectorSelector {
  const selector = args[1];
  const asked = selector?.kind === 'vectorSelector' ? selector.matchers : [];
  const data = asked.filter(({ name }) => name !== METRIC_NAME);
  const matchers = [...data, ...nameMatchersOf(asked)];
  return { kind: 'vectorSelector', name: undefined, matchers, offset: undefined, at: undefined, position };
}

/**
 * The first selector of an expression and the subqueries around it, innermost first, up to the one that `@` pins: their offsets
 * together say as of when it is read.
 */
export function infoTimes(expr: Expr, around: readonly Subquery[] = []): readonly (VectorSelector | Subquery)[] {
  if (expr.kind === 'vectorSelector') {
    const chain = [expr, ...around];
    const pinned = chain.findIndex(({ at }) => at !== undefined);
    return pinned < 0 ? chain : chain.slice(0, pinned + 1);
  }
  const outer = expr.kind === 'subquery' ? [expr, ...around] : around;
  for (const child of childrenOf(expr)) {
    const found = infoTimes(child, outer);
    if (found.length > 0) return found;
  }
  return [];
}
