import { scalarArgument } from './argument.ts';
import { type FunctionCall, type Reduce, windowFunction } from './definition.ts';
import { quantileOf, toScratch } from './quantile.ts';
import { Mean, Sum } from './summation.ts';
import { warnOfQuantile } from './warning.ts';

// One number for all points of a window.

const sum: Reduce = ({ values }, from, to) => {
  const state = new Sum();
  for (let i = from; i < to; i++) state.add(values[i] as number);
  return state.total;
};

const avg: Reduce = ({ values }, from, to) => {
  const state = new Mean();
  for (let i = from; i < to; i++) state.add(values[i] as number);
  return state.mean;
};

const max: Reduce = ({ values }, from, to) => {
  let best = values[from] as number;
  for (let i = from + 1; i < to; i++) if ((values[i] as number) > best || best !== best) best = values[i] as number;
  return best;
};

const min: Reduce = ({ values }, from, to) => {
  let best = values[from] as number;
  for (let i = from + 1; i < to; i++) if ((values[i] as number) < best || best !== best) best = values[i] as number;
  return best;
};

/** Welford's variance with compensated mean and sum of squares. */
function variance(values: Float64Array, from: number, to: number): number {
  const mean = new Sum();
  const squares = new Sum();
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    const before = value - mean.total;
    mean.add(before / (i - from + 1));
    squares.add(before * (value - mean.total));
  }
  return squares.total / (to - from);
}

const mad: Reduce = ({ values }, from, to) => {
  const copy = toScratch(values, from, to);
  const count = to - from;
  const median = quantileOf(0.5, copy, count);
  // NaN stands first once sorted: one is enough to make the deviation unknown.
  if (Number.isNaN(copy[0])) return Number.NaN;
  for (let i = 0; i < count; i++) copy[i] = Math.abs((copy[i] as number) - median);
  return quantileOf(0.5, copy, count);
};

const quantile: Reduce = ({ values }, from, to, step, args) =>
  quantileOf((args[0] as Float64Array)[step] as number, toScratch(values, from, to), to - from);

/** The time, in seconds, of the point that `better` prefers to all others; of equal ones the last. */
function timeOf(better: (candidate: number, best: number) => boolean): Reduce {
  return ({ timestampsMs, values }, from, to) => {
    let at = from;
    for (let i = from + 1; i < to; i++) {
      const best = values[at] as number;
      if (better(values[i] as number, best) || best !== best) at = i;
    }
    return (timestampsMs[at] as number) / 1000;
  };
}

function checkQuantile(call: FunctionCall): void {
  warnOfQuantile(call, scalarArgument(call, 0), 0);
}

export const OVER_TIME_FUNCTIONS = {
  sum_over_time: windowFunction(sum),
  avg_over_time: windowFunction(avg),
  max_over_time: windowFunction(max),
  min_over_time: windowFunction(min),
  count_over_time: windowFunction((_windows, from, to) => to - from),
  present_over_time: windowFunction(() => 1),
  last_over_time: windowFunction(({ values }, _from, to) => values[to - 1] as number, { keepsName: true }),
  first_over_time: windowFunction(({ values }, from) => values[from] as number, { keepsName: true }),
  stddev_over_time: windowFunction(({ values }, from, to) => Math.sqrt(variance(values, from, to))),
  stdvar_over_time: windowFunction(({ values }, from, to) => variance(values, from, to)),
  quantile_over_time: windowFunction(quantile, { checkArgs: checkQuantile }),
  mad_over_time: windowFunction(mad),
  ts_of_first_over_time: windowFunction(({ timestampsMs }, from) => (timestampsMs[from] as number) / 1000),
  ts_of_last_over_time: windowFunction(({ timestampsMs }, _from, to) => (timestampsMs[to - 1] as number) / 1000),
  ts_of_max_over_time: windowFunction(timeOf((candidate, best) => candidate >= best)),
  ts_of_min_over_time: windowFunction(timeOf((candidate, best) => candidate <= best)),
} as const;
