import { argumentType, SIGNATURES } from '../function/signature.ts';
import {
  type Aggregate,
  type Binary,
  type Call,
  childrenOf,
  type Duration,
  type Expr,
  isComparison,
  isSetOperator,
  isTrim,
  type ValueType,
  type VectorSelector,
} from './ast.ts';
import { durationSeconds } from './duration.ts';
import { syntaxError, typeError } from './errors.ts';
import { DEPTH_MAX, tooDeep } from './precedence.ts';

// Whether the pieces of an expression fit each other, in Prometheus' words.

const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  scalar: 'scalar',
  string: 'string',
  vector: 'instant vector',
  matrix: 'range vector',
};

/** The type an expression evaluates to. Requires function names checked. */
export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'vectorSelector':
    case 'aggregate':
      return 'vector';
    case 'matrixSelector':
    case 'subquery':
      return 'matrix';
    case 'call':
      return SIGNATURES.get(expr.name)?.returns ?? 'vector';
    case 'unary':
    case 'paren':
      return typeOf(expr.expr);
    case 'binary':
      return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector';
  }
}

/** Throws `PROMQL_TYPE`, `PROMQL_SYNTAX`. */
export function checkTypes(text: string, expr: Expr): void {
  check(text, expr, 0);
}

function check(text: string, expr: Expr, depth: number): ValueType {
  if (depth > DEPTH_MAX) throw tooDeep(text, expr.position);
  if (expr.kind === 'call' && !SIGNATURES.has(expr.name)) {
    throw syntaxError(text, expr.position, `unknown function with name ${JSON.stringify(expr.name)}`);
  }
  const types = childrenOf(expr).map((child, i) => {
    // The second argument of info() says which labels to add, and may leave the metric open.
    if (expr.kind === 'call' && expr.name === 'info' && i === 1 && child.kind === 'vectorSelector') return 'vector';
    return check(text, child, depth + 1);
  });
  switch (expr.kind) {
    case 'vectorSelector':
      checkSelector(text, expr);
      return 'vector';
    case 'matrixSelector':
      checkPositive(text, expr, expr.range);
      return 'matrix';
    case 'subquery':
      checkPositive(text, expr, expr.range);
      if (expr.step) checkPositive(text, expr, expr.step);
      if (types[0] !== 'vector') {
        throw typeError(
          text,
          expr.position,
          `subquery is only allowed on instant vector, got ${TYPE_NAMES[types[0] ?? 'scalar']} instead`,
        );
      }
      return 'matrix';
    case 'call':
      return checkCall(text, expr, types);
    case 'aggregate':
      checkAggregate(text, expr, types);
      return 'vector';
    case 'unary':
      if (types[0] !== 'scalar' && types[0] !== 'vector') {
        throw typeError(
          text,
          expr.position,
          `unary expression only allowed on expressions of type scalar or instant vector, got ${JSON.stringify(TYPE_NAMES[types[0] ?? 'scalar'])}`,
        );
      }
      return types[0];
    case 'binary':
      return checkBinary(text, expr, types);
    case 'paren':
      return types[0] ?? 'scalar';
    default:
      return typeOf(expr);
  }
}

function checkSelector(text: string, expr: VectorSelector): void {
  if (expr.matchers.every((matcher) => matcher.matches(''))) {
    throw syntaxError(text, expr.position, 'vector selector must contain at least one non-empty matcher');
  }
}

function checkPositive(text: string, expr: Expr, duration: Duration): void {
  const seconds = durationSeconds(duration, undefined);
  if (seconds !== undefined && !(seconds > 0)) {
    throw syntaxError(text, expr.position, 'duration must be greater than 0');
  }
}

function expectType(text: string, expr: Expr, actual: ValueType | undefined, wanted: ValueType, where: string): void {
  if (actual === wanted) return;
  throw typeError(
    text,
    expr.position,
    `expected type ${TYPE_NAMES[wanted]} in ${where}, got ${TYPE_NAMES[actual ?? 'scalar']}`,
  );
}

function checkCall(text: string, expr: Call, types: readonly ValueType[]): ValueType {
  const signature = SIGNATURES.get(expr.name);
  if (!signature) throw syntaxError(text, expr.position, `unknown function with name ${JSON.stringify(expr.name)}`);
  const most = signature.args.length;
  const least = most - signature.optional;
  const count = expr.args.length;
  const refuse = (bound: string, wanted: number) =>
    typeError(
      text,
      expr.position,
      `expected ${bound}${wanted} argument(s) in call to ${JSON.stringify(expr.name)}, got ${count}`,
    );
  if (signature.optional === 0 && !signature.repeat && count !== most) throw refuse('', most);
  if (count < least) throw refuse('at least ', least);
  if (count > most && !signature.repeat) throw refuse('at most ', most);
  expr.args.forEach((arg, i) => {
    const wanted = argumentType(signature, i);
    if (wanted) expectType(text, arg, types[i], wanted, `call to function ${JSON.stringify(expr.name)}`);
  });
  return signature.returns;
}

function checkAggregate(text: string, expr: Aggregate, types: readonly ValueType[]): void {
  expectType(text, expr.expr, types[types.length - 1], 'vector', 'aggregation expression');
  if (!expr.param) return;
  const wanted = expr.operator === 'count_values' ? 'string' : 'scalar';
  expectType(text, expr.param, types[0], wanted, 'aggregation parameter');
}

function checkBinary(text: string, expr: Binary, types: readonly ValueType[]): ValueType {
  const [left, right] = types;
  const { operator, matching, position } = expr;
  if (expr.bool && !isComparison(operator)) {
    throw typeError(text, position, 'bool modifier can only be used on comparison operators');
  }
  if (isComparison(operator) && !expr.bool && left === 'scalar' && right === 'scalar') {
    throw typeError(text, position, 'comparisons between scalars must use BOOL modifier');
  }
  if (matching.on && matching.card !== 'one-to-one') {
    const twice = matching.include.find((name) => matching.labels.includes(name));
    if (twice !== undefined) {
      throw typeError(text, position, `label ${JSON.stringify(twice)} must not occur in ON and GROUP clause at once`);
    }
  }
  for (const [side, type] of [
    [expr.left, left],
    [expr.right, right],
  ] as const) {
    if (type !== 'scalar' && type !== 'vector') {
      throw typeError(text, side.position, 'binary expression must contain only scalar and instant vector types');
    }
  }
  const filled = matching.fillLeft !== undefined || matching.fillRight !== undefined;
  if (left !== 'vector' || right !== 'vector') {
    // `on ()` and `ignoring ()` name no label: Prometheus takes no notice of them.
    if (matching.labels.length > 0 || filled) {
      throw typeError(text, position, 'vector matching only allowed between instant vectors');
    }
    if (isTrim(operator) && left === 'scalar' && right === 'scalar') {
      throw typeError(text, position, `operator ${JSON.stringify(operator)} not allowed for Scalar operations`);
    }
    if (isSetOperator(operator)) {
      throw typeError(
        text,
        position,
        `set operator ${JSON.stringify(operator)} not allowed in binary scalar expression`,
      );
    }
  } else if (filled && isSetOperator(operator)) {
    throw typeError(text, position, `filling in missing series not allowed for set operators`);
  }
  return left === 'scalar' && right === 'scalar' ? 'scalar' : 'vector';
}
