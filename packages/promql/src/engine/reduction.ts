import { unreachable } from '@tidemark/base';
import { quantileOf } from '../function/quantile.ts';
import { Mean } from '../function/summation.ts';
import type { Series } from '../value/value.ts';
import { type AccumulatedOperator, accumulator } from './accumulate.ts';
import type { Meter } from './limits.ts';

// Many series to one.
//
//   by series    sum, count, group, min, max, avg: accumulate.ts
//   by column    stddev, stdvar, quantile: what stands at one step is gathered, then reduced

export async function reduceSeries(
  meter: Meter,
  operator: AccumulatedOperator,
  members: readonly Series[],
  into: Series,
): Promise<void> {
  const gathered = accumulator(operator, into);
  for (const member of members) {
    gathered.add(member);
    const pause = meter.pulse(into.values.length);
    if (pause) await pause;
  }
  for (const k of gathered.finish()) {
    into.values[k] = meanAt(members, k);
    const pause = meter.pulse(members.length);
    if (pause) await pause;
  }
}

function meanAt(members: readonly Series[], step: number): number {
  const mean = new Mean();
  for (const { values, present } of members) if (present[step] === 1) mean.add(values[step] as number);
  return mean.mean;
}

export type ColumnOperator = 'stddev' | 'stdvar' | 'quantile';

export async function reduceColumns(
  meter: Meter,
  operator: ColumnOperator,
  members: readonly Series[],
  into: Series,
  numbers: Float64Array | undefined,
): Promise<void> {
  const scratch = new Float64Array(members.length);
  for (let k = 0; k < into.values.length; k++) {
    let count = 0;
    for (const { values, present } of members) if (present[k] === 1) scratch[count++] = values[k] as number;
    const pause = meter.pulse(members.length);
    if (pause) await pause;
    if (count === 0) continue;
    into.present[k] = 1;
    into.values[k] = reduceColumn(operator, scratch.subarray(0, count), numbers?.[k] ?? 0);
  }
}

function reduceColumn(operator: ColumnOperator, column: Float64Array, number: number): number {
  switch (operator) {
    case 'stddev':
      return Math.sqrt(varianceOf(column));
    case 'stdvar':
      return varianceOf(column);
    case 'quantile':
      return quantileOf(number, column, column.length);
    default:
      return unreachable(operator);
  }
}

/** Welford's. An infinite or undefined first value has no variance. */
function varianceOf(column: Float64Array): number {
  let mean = column[0] as number;
  let squares = Number.isFinite(mean) ? 0 : Number.NaN;
  for (let i = 1; i < column.length; i++) {
    const value = column[i] as number;
    const delta = value - mean;
    mean += delta / (i + 1);
    squares += delta * (value - mean);
  }
  return squares / column.length;
}
