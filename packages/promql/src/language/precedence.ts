import { assert } from '@tidemark/base';
import type { BinaryOperator, Expr, Matching, Position } from './ast.ts';
import { syntaxError } from './errors.ts';

// Which operator binds what.
//
// The grammar's tree cannot be trusted here: written for an editor, it reads `a + b offset 5m` as `(a + b) offset 5m` and
// `-1 ^ 2` as `(-1) ^ 2`. Its tokens are right, though. So read-expression flattens everything outside parentheses into
//
//   sign* operand (operator sign* operand)*          modifiers already applied to the operand they follow
//
// and this climbs it again by Prometheus' table: `^` binds right and tighter than a sign, a sign binds like `*`.

export interface OperatorItem {
  readonly kind: 'operator';
  readonly operator: BinaryOperator;
  readonly bool: boolean;
  readonly matching: Matching;
  readonly position: Position;
}

export type Item =
  | { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly position: Position }
  | { readonly kind: 'operand'; readonly expr: Expr }
  | OperatorItem;

const MULTIPLY = 5;
const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '>': 3,
  '<': 3,
  '>=': 3,
  '<=': 3,
  '</': 3,
  '>/': 3,
  '+': 4,
  '-': 4,
  '*': MULTIPLY,
  '/': MULTIPLY,
  '%': MULTIPLY,
  atan2: MULTIPLY,
  '^': 6,
};

// Deeper than any query a person writes, far below what the stack of the recursive passes over the tree can take.
export const DEPTH_MAX = 500;

export function climb(text: string, items: readonly Item[]): Expr {
  let at = 0;

  function operand(depth: number): Expr {
    const item = items[at++];
    assert(item !== undefined && item.kind !== 'operator', 'an operand stands between operators');
    if (item.kind === 'operand') return item.expr;
    if (depth > DEPTH_MAX) throw tooDeep(text, item.position);
    return signed(item.operator, item.position, expression(MULTIPLY + 1, depth + 1));
  }

  function expression(least: number, depth: number): Expr {
    let left = operand(depth);
    for (let chain = depth; ; chain++) {
      const item = items[at];
      if (item === undefined || item.kind !== 'operator' || PRECEDENCE[item.operator] < least) return left;
      if (chain > DEPTH_MAX) throw tooDeep(text, item.position);
      at++;
      const binding = PRECEDENCE[item.operator];
      const right = expression(item.operator === '^' ? binding : binding + 1, depth + 1);
      left = {
        kind: 'binary',
        operator: item.operator,
        left,
        right,
        bool: item.bool,
        matching: item.matching,
        position: { start: left.position.start, end: right.position.end },
      };
    }
  }

  const whole = expression(0, 0);
  assert(at === items.length, 'every item was read');
  return whole;
}

/** A sign before a number is part of the number. */
function signed(operator: '+' | '-', at: Position, expr: Expr): Expr {
  const position = { start: at.start, end: expr.position.end };
  if (expr.kind === 'number') return { ...expr, value: operator === '-' ? -expr.value : expr.value, position };
  return { kind: 'unary', operator, expr, position };
}

export function tooDeep(text: string, position: Position) {
  return syntaxError(text, position, `expression is nested more than ${DEPTH_MAX} levels deep`);
}
