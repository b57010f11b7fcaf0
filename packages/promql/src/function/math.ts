import { withoutName } from '../value/merge.ts';
import type { Series } from '../value/value.ts';
import { scalarArgument, vectorArgument } from './argument.ts';
import { type FunctionCall, type ValueFunction, valueFunction, vectorOf } from './definition.ts';

// Functions of one value at a time; the name goes, because a square root of x is no x.

/** Applies `of` to every value. */
function each(of: (value: number) => number): ValueFunction {
  return valueFunction((call) => mapValues(call, (value) => of(value)));
}

export async function mapValues(call: FunctionCall, of: (value: number, step: number) => number) {
  const out: Series[] = [];
  const { steps } = call.grid;
  for (const series of vectorArgument(call, 0)) {
    const values = new Float64Array(steps);
    for (let k = 0; k < steps; k++) if (series.present[k] === 1) values[k] = of(series.values[k] as number, k);
    out.push({ ...withoutName(series, call.scope.delayedNames), values });
    const pause = call.scope.meter.pulse(steps);
    if (pause) await pause;
  }
  return vectorOf(out);
}

const DEGREES = 180 / Math.PI;

/** Half goes up, as in Go's `floor(x + 0.5)`. */
function round(call: FunctionCall) {
  const nearest = call.args.length > 1 ? scalarArgument(call, 1) : undefined;
  return mapValues(call, (value, k) => {
    // Dividing by the inverse keeps 0.1 and its like exact.
    const inverse = 1 / (nearest ? (nearest[k] as number) : 1);
    return Math.floor(value * inverse + 0.5) / inverse;
  });
}

async function clamp(call: FunctionCall) {
  const least = scalarArgument(call, 1);
  const most = scalarArgument(call, 2);
  const out: Series[] = [];
  for (const series of vectorArgument(call, 0)) {
    const values = new Float64Array(call.grid.steps);
    const present = series.present.slice();
    for (let k = 0; k < values.length; k++) {
      const low = least[k] as number;
      const high = most[k] as number;
      if (high < low) present[k] = 0;
      else values[k] = Math.max(low, Math.min(high, series.values[k] as number));
    }
    out.push({ ...withoutName(series, call.scope.delayedNames), values, present });
    const pause = call.scope.meter.pulse(values.length);
    if (pause) await pause;
  }
  return vectorOf(out.filter((series) => series.present.includes(1)));
}

function bounded(bound: (a: number, b: number) => number): ValueFunction {
  return valueFunction((call) => {
    const limit = scalarArgument(call, 1);
    return mapValues(call, (value, k) => bound(value, limit[k] as number));
  });
}

export const MATH_FUNCTIONS = {
  abs: each(Math.abs),
  ceil: each(Math.ceil),
  floor: each(Math.floor),
  exp: each(Math.exp),
  ln: each(Math.log),
  log2: each(Math.log2),
  log10: each(Math.log10),
  sqrt: each(Math.sqrt),
  sgn: each((value) => (value < 0 ? -1 : value > 0 ? 1 : value)),
  sin: each(Math.sin),
  cos: each(Math.cos),
  tan: each(Math.tan),
  asin: each(Math.asin),
  acos: each(Math.acos),
  atan: each(Math.atan),
  sinh: each(Math.sinh),
  cosh: each(Math.cosh),
  tanh: each(Math.tanh),
  asinh: each(Math.asinh),
  acosh: each(Math.acosh),
  atanh: each(Math.atanh),
  deg: each((value) => value * DEGREES),
  rad: each((value) => value / DEGREES),
  round: valueFunction(round),
  clamp: valueFunction(clamp),
  clamp_min: bounded(Math.max),
  clamp_max: bounded(Math.min),
} as const;
