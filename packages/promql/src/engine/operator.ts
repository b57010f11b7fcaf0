import {
  type ArithmeticOperator,
  type BinaryOperator,
  type ComparisonOperator,
  isComparison,
  isTrim,
} from '../language/ast.ts';

// What the operators do to two numbers.

export type Operation = (left: number, right: number) => number;

/** Powers as IEEE 754 and Go have them; JavaScript makes NaN of 1 ** NaN and of (-1) ** Infinity. */
function power(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && (exponent === Number.POSITIVE_INFINITY || exponent === Number.NEGATIVE_INFINITY)) return 1;
  return base ** exponent;
}

export const ARITHMETIC: Readonly<Record<ArithmeticOperator, Operation>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '^': power,
  atan2: Math.atan2,
};

/** Of native histograms only: two numbers have no result. */
const TRIM: Combination = { of: () => Number.NaN, keeps: () => false, voidsName: false };

export const COMPARISONS: Readonly<Record<ComparisonOperator, (left: number, right: number) => boolean>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '>': (left, right) => left > right,
  '<': (left, right) => left < right,
  '>=': (left, right) => left >= right,
  '<=': (left, right) => left <= right,
};

/**
 * The operation of an operator with or without `bool`; `keeps` says which pairs have a result (undefined: all).
 * A comparison without `bool` gives its left side where it holds.
 */
export interface Combination {
  readonly of: Operation;
  readonly keeps: ((left: number, right: number) => boolean) | undefined;
  /** The result is not the left side's metric any more. */
  readonly voidsName: boolean;
}

export function combinationOf(operator: Exclude<BinaryOperator, 'and' | 'or' | 'unless'>, bool: boolean): Combination {
  if (isTrim(operator)) return TRIM;
  if (!isComparison(operator))
    return { of: ARITHMETIC[operator as ArithmeticOperator], keeps: undefined, voidsName: true };
  const holds = COMPARISONS[operator];
  if (bool) return { of: (left, right) => (holds(left, right) ? 1 : 0), keeps: undefined, voidsName: true };
  return { of: (left) => left, keeps: holds, voidsName: false };
}
