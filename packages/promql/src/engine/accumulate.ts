import type { Series } from '../value/value.ts';

// Many series to one, member after member: a walk over two columns each. What a group gathers so far stands in `into`.
//
//   sum, avg        Neumaier's sum, column by column: `lost` as in function/summation.ts
//   min, max        NaN gives way to any number
//   count, group

export type AccumulatedOperator = 'sum' | 'avg' | 'count' | 'group' | 'min' | 'max';

export type Columns = Pick<Series, 'values' | 'present'>;

export interface Accumulator {
  add(member: Columns): void;
  /** After the last member. Returns the steps whose result only a walk over all members tells: an average whose sum overflowed. */
  finish(): readonly number[];
}

const NONE: readonly number[] = [];

/** Requires `into` empty. */
export function accumulator(operator: AccumulatedOperator, into: Columns): Accumulator {
  switch (operator) {
    case 'sum': {
      const lost = new Float64Array(into.values.length);
      return { add: (member) => addSum(member, into, lost), finish: () => finishSum(into, lost) };
    }
    case 'avg': {
      const lost = new Float64Array(into.values.length);
      const counts = new Float64Array(into.values.length);
      return {
        add(member) {
          addSum(member, into, lost);
          for (let k = 0; k < counts.length; k++) counts[k] = (counts[k] as number) + (member.present[k] as number);
        },
        finish: () => finishAverage(into, lost, counts),
      };
    }
    case 'count':
      return { add: (member) => addCount(member, into), finish: () => NONE };
    case 'group':
      return { add: (member) => addGroup(member, into), finish: () => NONE };
    case 'min':
      return { add: (member) => addExtreme(member, into, -1), finish: () => NONE };
    case 'max':
      return { add: (member) => addExtreme(member, into, 1), finish: () => NONE };
  }
}

function addCount(member: Columns, { values, present }: Columns): void {
  for (let k = 0; k < values.length; k++) {
    if (member.present[k] === 0) continue;
    values[k] = (values[k] as number) + 1;
    present[k] = 1;
  }
}

function addGroup(member: Columns, { values, present }: Columns): void {
  for (let k = 0; k < values.length; k++) {
    if (member.present[k] === 0) continue;
    values[k] = 1;
    present[k] = 1;
  }
}

function addExtreme(member: Columns, { values, present }: Columns, direction: 1 | -1): void {
  for (let k = 0; k < values.length; k++) {
    if (member.present[k] === 0) continue;
    const value = member.values[k] as number;
    const best = values[k] as number;
    if (present[k] === 0 || value * direction > best * direction || best !== best) values[k] = value;
    present[k] = 1;
  }
}

function addSum(member: Columns, { values, present }: Columns, lost: Float64Array): void {
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

function finishSum({ values }: Columns, lost: Float64Array): readonly number[] {
  for (let k = 0; k < lost.length; k++) values[k] = (values[k] as number) + (lost[k] as number);
  return NONE;
}

function finishAverage({ values, present }: Columns, lost: Float64Array, counts: Float64Array): readonly number[] {
  const overflowed: number[] = [];
  for (let k = 0; k < counts.length; k++) {
    if (present[k] === 0) continue;
    const total = values[k] as number;
    const count = counts[k] as number;
    // The sum overflowed, or an infinity is among the members: only the running mean says which.
    if (Number.isFinite(total)) values[k] = total / count + (lost[k] as number) / count;
    else overflowed.push(k);
  }
  return overflowed;
}
