import type { Value } from '../value/value.ts';
import { scalarArgument, vectorArgument } from './argument.ts';
import { type FunctionCall, valueFunction, vectorOf } from './definition.ts';

// Between scalars and vectors.

/** The value of the only series at each step; NaN where there is none or more than one. */
function scalar(call: FunctionCall): Value {
  const { steps } = call.grid;
  const values = new Float64Array(steps).fill(Number.NaN);
  const seen = new Uint32Array(steps);
  for (const series of vectorArgument(call, 0)) {
    for (let k = 0; k < steps; k++) {
      if (series.present[k] === 0) continue;
      const count = (seen[k] as number) + 1;
      seen[k] = count;
      values[k] = count === 1 ? (series.values[k] as number) : Number.NaN;
    }
  }
  return { kind: 'scalar', values };
}

function vector(call: FunctionCall): Value {
  const present = new Uint8Array(call.grid.steps).fill(1);
  return vectorOf([{ labels: [], dropName: false, values: scalarArgument(call, 0), present }]);
}

function pairwise(of: (a: number, b: number) => number) {
  return valueFunction((call): Value => {
    const other = scalarArgument(call, 1);
    return { kind: 'scalar', values: scalarArgument(call, 0).map((value, k) => of(value, other[k] as number)) };
  });
}

export const CONVERSION_FUNCTIONS = {
  scalar: valueFunction(scalar),
  vector: valueFunction(vector),
  min_of: pairwise(Math.min),
  max_of: pairwise(Math.max),
} as const;
