import type { Matcher } from '@tidemark/model';

// The tree a query becomes. Parentheses are kept as nodes, so that printing needs no precedence table and positions in
// annotations point at what the author wrote.
//
//   sum by (job) (rate(x{a="b"}[5m] offset 1m)) > 10
//
//   binary >
//   ├─ aggregate sum by (job)
//   │  └─ call rate
//   │     └─ matrixSelector [5m]
//   │        └─ vectorSelector x{a="b"} offset 1m
//   └─ number 10
//
// Every node knows where it stands: `[start, end)` in UTF-16 units of the query text. Lengths of time stay trees until the
// query's step and range are known, because `x[2 * step()]` is allowed (see plan/duration.ts).

export interface Position {
  readonly start: number;
  readonly end: number;
}

export type ValueType = 'scalar' | 'string' | 'vector' | 'matrix';

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2';
export type ComparisonOperator = '==' | '!=' | '>' | '<' | '>=' | '<=';
export type SetOperator = 'and' | 'or' | 'unless';
/** Of native histograms: what is below a value, what is above it. */
export type TrimOperator = '</' | '>/';
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator | TrimOperator;

export type AggregateOperator =
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'count'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'quantile'
  | 'count_values'
  | 'limitk'
  | 'limit_ratio';

/** A length of time, in seconds where it is a number. */
export type Duration =
  | { readonly kind: 'seconds'; readonly seconds: number; readonly text: string }
  | { readonly kind: 'step' }
  | { readonly kind: 'range' }
  | { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly operand: Duration }
  | {
      readonly kind: 'arithmetic';
      readonly operator: '+' | '-' | '*' | '/' | '%' | '^';
      readonly left: Duration;
      readonly right: Duration;
    }
  | {
      readonly kind: 'bound';
      readonly operator: 'min_of' | 'max_of';
      readonly left: Duration;
      readonly right: Duration;
    }
  | { readonly kind: 'paren'; readonly inner: Duration };

/** What `@` pins a selector to. */
export type At = { readonly kind: 'time'; readonly ms: number } | { readonly kind: 'start' } | { readonly kind: 'end' };

export interface NumberLiteral {
  readonly kind: 'number';
  readonly value: number;
  /** Whether it was written as a duration (`5m`), to print it so. */
  readonly duration: boolean;
  readonly position: Position;
}

export interface StringLiteral {
  readonly kind: 'string';
  readonly value: string;
  readonly position: Position;
}

export interface VectorSelector {
  readonly kind: 'vectorSelector';
  /** The metric's name where it was written outside the braces or as a lone string in them; it is also among the matchers. */
  readonly name: string | undefined;
  readonly matchers: readonly Matcher[];
  readonly offset: Duration | undefined;
  readonly at: At | undefined;
  /** What it sees beyond its range; absent: nothing. */
  readonly extension?: Extension | undefined;
  readonly position: Position;
}

/** `anchored`: the last sample before a range as well. `smoothed`: those on both sides, and the line between them. */
export type Extension = 'anchored' | 'smoothed';

export interface MatrixSelector {
  readonly kind: 'matrixSelector';
  /** Carries offset, `@`, `anchored` and `smoothed`. */
  readonly selector: VectorSelector;
  readonly range: Duration;
  readonly position: Position;
}

export interface Subquery {
  readonly kind: 'subquery';
  readonly expr: Expr;
  readonly range: Duration;
  /** Undefined: the engine's default. */
  readonly step: Duration | undefined;
  readonly offset: Duration | undefined;
  readonly at: At | undefined;
  readonly position: Position;
}

export interface Call {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expr[];
  readonly position: Position;
}

export interface Aggregate {
  readonly kind: 'aggregate';
  readonly operator: AggregateOperator;
  readonly expr: Expr;
  readonly param: Expr | undefined;
  readonly without: boolean;
  readonly grouping: readonly string[];
  readonly position: Position;
}

export interface Matching {
  readonly on: boolean;
  readonly labels: readonly string[];
  readonly card: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  readonly include: readonly string[];
  /** Whether `on` or `ignoring` was written (a bare operator matches on all labels). */
  readonly explicit: boolean;
  /** Values for the side that has no partner (`fill`, `fill_left`, `fill_right`). */
  readonly fillLeft: number | undefined;
  readonly fillRight: number | undefined;
}

export interface Binary {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expr;
  readonly right: Expr;
  readonly bool: boolean;
  readonly matching: Matching;
  readonly position: Position;
}

export interface Unary {
  readonly kind: 'unary';
  readonly operator: '+' | '-';
  readonly expr: Expr;
  readonly position: Position;
}

export interface Paren {
  readonly kind: 'paren';
  readonly expr: Expr;
  readonly position: Position;
}

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Call
  | Aggregate
  | Binary
  | Unary
  | Paren;

export function isComparison(operator: BinaryOperator): operator is ComparisonOperator {
  return /^[=!<>]/.test(operator) && !isTrim(operator);
}

export function isTrim(operator: BinaryOperator): operator is TrimOperator {
  return operator === '</' || operator === '>/';
}

export function isSetOperator(operator: BinaryOperator): operator is SetOperator {
  return operator === 'and' || operator === 'or' || operator === 'unless';
}

/** The expression inside any number of parentheses. */
export function withoutParens(expr: Expr): Expr {
  while (expr.kind === 'paren') expr = expr.expr;
  return expr;
}

/** The expressions directly below, in the order they are written. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'vectorSelector':
      return [];
    case 'matrixSelector':
      return [expr.selector];
    case 'subquery':
    case 'unary':
    case 'paren':
      return [expr.expr];
    case 'call':
      return expr.args;
    case 'aggregate':
      return expr.param ? [expr.param, expr.expr] : [expr.expr];
    case 'binary':
      return [expr.left, expr.right];
  }
}
