import type { Scope } from '../engine/scope.ts';
import type { Windows } from '../engine/window.ts';
import type { Call } from '../language/ast.ts';
import type { Grid, Series, Value } from '../value/value.ts';

// The two shapes of a function.
//
//   window   reduces the points of one window of one series to one number: rate, avg_over_time, ...
//   value    makes a value of values: abs, label_replace, histogram_quantile, ...

/** One window: the points `[from, to)` of `windows`, at `step`. `args` are the scalar arguments, one number a step. */
export type Reduce = (
  windows: Windows,
  from: number,
  to: number,
  step: number,
  args: readonly Float64Array[],
) => number;

export interface WindowFunction {
  readonly kind: 'window';
  /** Windows with fewer points have no value. */
  readonly pointsMin: number;
  /** The result is still the metric: last_over_time and first_over_time. */
  readonly keepsName: boolean;
  /** It makes sense on counters only; other names get an info. */
  readonly counter: boolean;
  readonly reduce: Reduce;
  /** Checks the scalar arguments before any window is looked at: warns or throws. */
  readonly checkArgs?: (call: FunctionCall) => void;
}

export interface FunctionCall {
  readonly scope: Scope;
  readonly expr: Call;
  readonly grid: Grid;
  /** One for each argument as written; a range vector has no value and is an empty vector here. */
  readonly args: readonly Value[];
}

export interface ValueFunction {
  readonly kind: 'value';
  /** The caller sees to it that no two series of the result have the same labels. */
  readonly run: (call: FunctionCall) => Value | Promise<Value>;
}

export type FunctionDefinition = WindowFunction | ValueFunction;

export function windowFunction(
  reduce: Reduce,
  options: Partial<Pick<WindowFunction, 'pointsMin' | 'keepsName' | 'counter' | 'checkArgs'>> = {},
): WindowFunction {
  return { kind: 'window', pointsMin: 1, keepsName: false, counter: false, reduce, ...options };
}

export function valueFunction(run: ValueFunction['run']): ValueFunction {
  return { kind: 'value', run };
}

export function vectorOf(series: readonly Series[]): Value {
  return { kind: 'vector', series };
}
