import { executionError } from '../language/errors.ts';
import { scalarArgument } from './argument.ts';
import { type FunctionCall, type Reduce, windowFunction } from './definition.ts';
import { Sum } from './summation.ts';

// Lines through the points of a window, and double exponential smoothing.

interface Line {
  slope: number;
  /** The line's value at the origin. */
  intercept: number;
}

/** Least squares over `[from, to)`; x in seconds from `originMs`. All points equal: a flat line, exactly. */
function fitLine(
  timestampsMs: Float64Array,
  values: Float64Array,
  from: number,
  to: number,
  originMs: number,
  line: Line,
): void {
  const first = values[from] as number;
  const sumX = new Sum();
  const sumY = new Sum();
  const sumXY = new Sum();
  const sumX2 = new Sum();
  let flat = true;
  for (let i = from; i < to; i++) {
    const x = ((timestampsMs[i] as number) - originMs) / 1000;
    const y = values[i] as number;
    if (y !== first) flat = false;
    sumX.add(x);
    sumY.add(y);
    sumXY.add(x * y);
    sumX2.add(x * x);
  }
  if (flat) {
    const finite = Number.isFinite(first);
    line.slope = finite ? 0 : Number.NaN;
    line.intercept = finite ? first : Number.NaN;
    return;
  }
  const n = to - from;
  const covariance = sumXY.total - (sumX.total * sumY.total) / n;
  const variance = sumX2.total - (sumX.total * sumX.total) / n;
  line.slope = covariance / variance;
  line.intercept = sumY.total / n - (line.slope * sumX.total) / n;
}

const LINE: Line = { slope: 0, intercept: 0 };

const deriv: Reduce = ({ timestampsMs, values }, from, to) => {
  fitLine(timestampsMs, values, from, to, timestampsMs[from] as number, LINE);
  return LINE.slope;
};

const predictLinear: Reduce = (windows, from, to, step, args) => {
  fitLine(windows.timestampsMs, windows.values, from, to, windows.stepMs(step), LINE);
  return LINE.slope * ((args[0] as Float64Array)[step] as number) + LINE.intercept;
};

const smoothing: Reduce = ({ values }, from, to, step, args) => {
  const smooth = (args[0] as Float64Array)[step] as number;
  const follow = (args[1] as Float64Array)[step] as number;
  let before = 0;
  let level = values[from] as number;
  let trend = (values[from + 1] as number) - level;
  for (let i = from + 1; i < to; i++) {
    if (i > from + 1) trend = follow * (level - before) + (1 - follow) * trend;
    const next = smooth * (values[i] as number) + (1 - smooth) * (level + trend);
    before = level;
    level = next;
  }
  return level;
};

function checkFactors(call: FunctionCall): void {
  const kinds = ['smoothing', 'trend'];
  kinds.forEach((kind, i) => {
    const outside = scalarArgument(call, i + 1).find((factor) => !(factor > 0 && factor < 1));
    if (outside !== undefined) {
      const short = kind === 'smoothing' ? 'sf' : 'tf';
      throw executionError(`invalid ${kind} factor. Expected: 0 < ${short} < 1, got: ${outside}`, call.expr.position);
    }
  });
}

export const PREDICT_FUNCTIONS = {
  deriv: windowFunction(deriv, { pointsMin: 2 }),
  predict_linear: windowFunction(predictLinear, { pointsMin: 2 }),
  double_exponential_smoothing: windowFunction(smoothing, { pointsMin: 2, checkArgs: checkFactors }),
} as const;
