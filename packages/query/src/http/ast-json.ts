import {
  type Duration,
  type Expr,
  isSetOperator,
  type Matching,
  SIGNATURES,
  typeOf,
  type VectorSelector,
} from '@tidemark/promql';
import { formatScalar } from './envelope.ts';

// The tree of a query as parse_query answers it, in the shape that Prometheus' page draws: lengths of time in ms beside the
// expressions they are made of, the name of a metric only where it stands before the braces.

/** `text` is what `expr` was parsed from. */
export function astJson(expr: Expr, text: string): object {
  const below = (child: Expr) => astJson(child, text);
  switch (expr.kind) {
    case 'number':
      return { type: 'numberLiteral', val: formatScalar(expr.value) };
    case 'string':
      return { type: 'stringLiteral', val: expr.value };
    case 'paren':
      return { type: 'parenExpr', expr: below(expr.expr) };
    case 'unary':
      return { type: 'unaryExpr', op: expr.operator, expr: below(expr.expr) };
    case 'vectorSelector':
      return { type: 'vectorSelector', ...selectorJson(expr, text) };
    case 'matrixSelector':
      return { type: 'matrixSelector', ...lengthJson('range', expr.range), ...selectorJson(expr.selector, text) };
    case 'subquery':
      return {
        type: 'subquery',
        expr: below(expr.expr),
        ...lengthJson('range', expr.range),
        ...lengthJson('step', expr.step),
        ...timeJson(expr),
      };
    case 'call':
      return { type: 'call', func: functionJson(expr.name), args: expr.args.map(below) };
    case 'aggregate': {
      const { operator: op, param, grouping, without } = expr;
      return { type: 'aggregation', op, expr: below(expr.expr), param: param ? below(param) : null, grouping, without };
    }
    case 'binary': {
      const ofVectors = typeOf(expr.left) === 'vector' && typeOf(expr.right) === 'vector';
      return {
        type: 'binaryExpr',
        op: expr.operator,
        lhs: below(expr.left),
        rhs: below(expr.right),
        matching: ofVectors ? matchingJson(expr.matching, isSetOperator(expr.operator)) : null,
        bool: expr.bool,
      };
    }
  }
}

function selectorJson(selector: VectorSelector, text: string): object {
  return {
    name: text[selector.position.start] === '{' ? '' : (selector.name ?? ''),
    ...timeJson(selector),
    matchers: selector.matchers.map(({ name, value, type }) => ({ name, value, type })),
    anchored: selector.extension === 'anchored',
    smoothed: selector.extension === 'smoothed',
  };
}

function timeJson({ at, offset }: Pick<VectorSelector, 'at' | 'offset'>): object {
  return {
    ...lengthJson('offset', offset),
    timestamp: at?.kind === 'time' ? at.ms : null,
    startOrEnd: at === undefined || at.kind === 'time' ? null : at.kind,
  };
}

/** `range: 300000, rangeExpr: null`; of what is more than a number the number is 0. */
function lengthJson(name: 'range' | 'step' | 'offset', length: Duration | undefined): object {
  const json = length && durationJson(length);
  if (json === undefined) return { [name]: 0, [`${name}Expr`]: null };
  if (json.type === 'durationExpr') return { [name]: 0, [`${name}Expr`]: json };
  // Of the nanoseconds only whole milliseconds are told.
  return { [name]: Math.trunc(Math.round(json.seconds * 1e9) / 1e6), [`${name}Expr`]: null };
}

type DurationJson =
  | { readonly type: 'numberLiteral'; readonly val: string; readonly duration: boolean; readonly seconds: number }
  | {
      readonly type: 'durationExpr';
      readonly op: string;
      readonly lhs: object | null;
      readonly rhs: object | null;
      readonly wrapped: boolean;
    };

function durationJson(duration: Duration): DurationJson {
  switch (duration.kind) {
    case 'seconds':
      return literal(duration.seconds, /[a-z]/i.test(duration.text.replace(/^0x[0-9a-f]+$|e/i, '')));
    case 'step':
    case 'range':
      return operation(duration.kind, null, null);
    case 'sign': {
      const operand = durationJson(duration.operand);
      if (duration.operator === '+') return operand;
      if (operand.type === 'numberLiteral') return literal(-operand.seconds, operand.duration);
      return operation('-', null, operand);
    }
    case 'arithmetic':
    case 'bound':
      return operation(duration.operator, written(duration.left), written(duration.right));
    case 'paren': {
      const inner = durationJson(duration.inner);
      // A number in parentheses is what a plus is before.
      if (inner.type === 'numberLiteral') return { ...operation('+', null, withoutSeconds(inner)), wrapped: true };
      return { ...inner, wrapped: true };
    }
  }
}

function written(duration: Duration): object {
  const json = durationJson(duration);
  return json.type === 'numberLiteral' ? withoutSeconds(json) : json;
}

function withoutSeconds({ seconds: _, ...shown }: Extract<DurationJson, { type: 'numberLiteral' }>): object {
  return shown;
}

function literal(seconds: number, duration: boolean) {
  return { type: 'numberLiteral', val: formatScalar(seconds), duration, seconds } as const;
}

function operation(op: string, lhs: object | null, rhs: object | null) {
  return { type: 'durationExpr', op, lhs, rhs, wrapped: false } as const;
}

function matchingJson(matching: Matching, ofSets: boolean): object {
  const { card, labels, on, include, fillLeft, fillRight } = matching;
  return {
    card: ofSets ? 'many-to-many' : card,
    labels,
    on,
    include,
    fillValues: { lhs: fillLeft ?? null, rhs: fillRight ?? null },
  };
}

/** `variadic`: how many arguments may be missing or more; -1: any number more. */
function functionJson(name: string): object {
  const signature = SIGNATURES.get(name);
  const { args: argTypes = [], optional = 0, repeat = false, returns: returnType = 'vector' } = signature ?? {};
  return { name, argTypes, variadic: repeat ? -1 : optional, returnType };
}
