import { unreachable } from '@tidemark/base';
import { quantileOf } from '../function/quantile.ts';
import { Mean } from '../function/summation.ts';
import type { Series } from '../value/value.ts';
import type { Meter } from './limits.ts';

// Many series to one.
//
//   by series    sum, count, group, min, max, avg: member after member is added to the result, each a walk over two columns
//   by column    stddev, stdvar, quantile: what stands at one step is gathered, then reduced

export type SeriesReduction = (meter: Meter, members: readonly Series[], into: Series) => Promise<void>;

function bySeries(add: (member: Series, into: Series) => void): SeriesReduction {
  return async (meter, members, into) => {
    for (const member of members) {
      add(member, into);
      const pause = meter.pulse(into.values.length);
      if (pause) await pause;
    }
  };
}

function addCount(member: Series, into: Series): void {
  const { values, present } = into;
  for (let k = 0; k < values.length; k++) {
    if (member.present[k] === 0) continue;
    values[k] = (values[k] as number) + 1;
    present[k] = 1;
  }
}

function addGroup(member: Series, into: Series): void {
  for (let k = 0; k < into.values.length; k++) {
    if (member.present[k] === 0) continue;
    into.values[k] = 1;
    into.present[k] = 1;
  }
}

/** NaN gives way to any number. */
function addExtreme(member: Series, into: Series, direction: 1 | -1): void {
  const { values, present } = into;
  for (let k = 0; k < values.length; k++) {
    if (member.present[k] === 0) continue;
    const value = member.values[k] as number;
    const best = values[k] as number;
    if (present[k] === 0 || value * direction > best * direction || best !== best) values[k] = value;
    present[k] = 1;
  }
}

/** Neumaier's sum, column by column: `lost` as in function/summation.ts. */
function addSum(member: Series, into: Series, lost: Float64Array): void {
  const { values, present } = into;
  for (let k = 0; k < values.length; k++) {
    if (member.present[k] === 0) continue;
    const value = member.values[k] as number;
    const sum = values[k] as number;
    const total = sum + value;
    if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) lost[k] = 0;
    else if (Math.abs(sum) >= Math.abs(value)) lost[k] = (lost[k] as number) + (sum - total + value);
    else lost[k] = (lost[k] as number) + (value - total + sum);
    values[k] = total;
    present[k] = 1;
  }
}

async function sumInto(meter: Meter, members: readonly Series[], into: Series): Promise<Float64Array> {
  const lost = new Float64Array(into.values.length);
  for (const member of members) {
    addSum(member, into, lost);
    const pause = meter.pulse(into.values.length);
    if (pause) await pause;
  }
  return lost;
}

const sum: SeriesReduction = async (meter, members, into) => {
  const lost = await sumInto(meter, members, into);
  for (let k = 0; k < lost.length; k++) into.values[k] = (into.values[k] as number) + (lost[k] as number);
};

const avg: SeriesReduction = async (meter, members, into) => {
  const lost = await sumInto(meter, members, into);
  const counts = new Float64Array(lost.length);
  for (const { present } of members)
    for (let k = 0; k < counts.length; k++) counts[k] = (counts[k] as number) + (present[k] as number);
  for (let k = 0; k < counts.length; k++) {
    if (into.present[k] === 0) continue;
    const total = into.values[k] as number;
    const count = counts[k] as number;
    // The sum overflowed, or an infinity is among the members: only the running mean says which.
    if (!Number.isFinite(total)) into.values[k] = meanAt(members, k);
    else into.values[k] = total / count + (lost[k] as number) / count;
    const pause = meter.pulse(1);
    if (pause) await pause;
  }
};

function meanAt(members: readonly Series[], step: number): number {
  const mean = new Mean();
  for (const { values, present } of members) if (present[step] === 1) mean.add(values[step] as number);
  return mean.mean;
}

export type SeriesOperator = 'sum' | 'avg' | 'count' | 'group' | 'min' | 'max';

export const SERIES_REDUCTIONS: Readonly<Record<SeriesOperator, SeriesReduction>> = {
  sum,
  avg,
  count: bySeries(addCount),
  group: bySeries(addGroup),
  min: bySeries((member, into) => addExtreme(member, into, -1)),
  max: bySeries((member, into) => addExtreme(member, into, 1)),
};

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
