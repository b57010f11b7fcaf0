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

/** The windows of steps `[fromStep, toStep)`: where there are points enough, a value into `values` and 1 into `present`. */
export type ReduceSteps = (
  windows: Windows,
  into: Pick<Series, 'values' | 'present'>,
  fromStep: number,
  toStep: number,
  args: readonly Float64Array[],
) => void;

/** How the ends of a range are compared. */
export interface Growth {
  /** A fall is a new beginning. */
  readonly counter: boolean;
  readonly perSecond: boolean;
}

export interface WindowFunction {
  readonly kind: 'window';
  /** Windows with fewer points have no value. */
  readonly pointsMin: number;
  /** The result is still the metric: last_over_time and first_over_time. */
  readonly keepsName: boolean;
  /** It makes sense on counters only; other names get an info. */
  readonly counter: boolean;
  readonly reduceSteps: ReduceSteps;
  /** It is the difference of a range's ends: what `anchored` and `smoothed` take over. */
  readonly growth?: Growth;
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

type WindowOptions = Partial<Pick<WindowFunction, 'pointsMin' | 'keepsName' | 'counter' | 'checkArgs' | 'growth'>>;

/** One window after the other. */
export function windowFunction(reduce: Reduce, options: WindowOptions = {}): WindowFunction {
  const { pointsMin = 1 } = options;
  return stepsFunction((windows, { values, present }, fromStep, toStep, args) => {
    for (let k = fromStep; k < toStep; k++) {
      const from = windows.from[k] as number;
      const to = windows.to[k] as number;
      if (to - from < pointsMin) continue;
      values[k] = reduce(windows, from, to, k, args);
      present[k] = 1;
    }
  }, options);
}

/** All windows at once: for functions whose windows have more in common than a call each. */
export function stepsFunction(reduceSteps: ReduceSteps, options: WindowOptions = {}): WindowFunction {
  return { kind: 'window', pointsMin: 1, keepsName: false, counter: false, reduceSteps, ...options };
}

export function valueFunction(run: ValueFunction['run']): ValueFunction {
  return { kind: 'value', run };
}

export function vectorOf(series: readonly Series[]): Value {
  return { kind: 'vector', series };
}
