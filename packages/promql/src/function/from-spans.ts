import { countInside, gapOf, type SpanColumn, type Spans } from '../value/spans.ts';
import { Sum } from './summation.ts';

// What functions over ranges say where rows stand for samples. `[from, to)` are the spans that reach into (afterMs, untilMs].
//
//   window            (──────────────────]
//   spans    (····)  (·····) (······) (·····)     those inside count whole: the answer is the samples' own, sums within rounding
//                     cut              cut        of what is cut, the part inside is taken as if its samples stood evenly
//
// min and max of a cut span are taken whole, so the true ones lie between; a first or last value is always one that was seen,
// and a last one never later than the window's end. Functions that need every sample (quantiles, deviations, changes, lines)
// are not here.

export interface SpanWindow {
  readonly spans: Spans;
  readonly from: number;
  readonly to: number;
  readonly afterMs: number;
  readonly untilMs: number;
}

/** Undefined: no value. */
export type SpanReduce = (window: SpanWindow) => number | undefined;

function count({ spans, from, to, afterMs, untilMs }: SpanWindow): number {
  let total = 0;
  for (let i = from; i < to; i++) total += countInside(spans, i, afterMs, untilMs);
  return total;
}

function sum({ spans, from, to, afterMs, untilMs }: SpanWindow): number {
  const state = new Sum();
  for (let i = from; i < to; i++) {
    const inside = countInside(spans, i, afterMs, untilMs);
    if (inside === 0) continue;
    const share = inside / (spans.count[i] as number);
    state.add((spans.sum[i] as number) * share);
    if (Number.isFinite(state.sum)) state.lost += (spans.compensation[i] as number) * share;
  }
  return state.total;
}

/** NaN gives way to any number. */
function extreme(column: 'min' | 'max', better: (candidate: number, best: number) => boolean): SpanReduce {
  return ({ spans, from, to, afterMs, untilMs }) => {
    let best: number | undefined;
    for (let i = from; i < to; i++) {
      if (countInside(spans, i, afterMs, untilMs) === 0) continue;
      const candidate = spans[column][i] as number;
      if (best === undefined || better(candidate, best) || best !== best) best = candidate;
    }
    return best;
  };
}

const ifAny =
  (of: SpanReduce): SpanReduce =>
  (window) =>
    count(window) > 0 ? of(window) : undefined;

/** The newest value seen in the window; of a span that covers all of it, the one before. */
function last({ spans, to, untilMs }: SpanWindow): number {
  const i = to - 1;
  return (spans.lastMs[i] as number) <= untilMs ? (spans.last[i] as number) : (spans.first[i] as number);
}

function first({ spans, from, afterMs, untilMs }: SpanWindow): number {
  const whole = (spans.firstMs[from] as number) > afterMs;
  return whole || (spans.lastMs[from] as number) > untilMs
    ? (spans.first[from] as number)
    : (spans.last[from] as number);
}

function lastTime({ spans, to, untilMs }: SpanWindow): number {
  const i = to - 1;
  const firstMs = spans.firstMs[i] as number;
  if ((spans.lastMs[i] as number) <= untilMs) return (spans.lastMs[i] as number) / 1000;
  const gap = gapOf(spans, i);
  return (firstMs + Math.floor((untilMs - firstMs) / gap) * gap) / 1000;
}

function firstTime({ spans, from, afterMs }: SpanWindow): number {
  const firstMs = spans.firstMs[from] as number;
  if (firstMs > afterMs) return firstMs / 1000;
  const gap = gapOf(spans, from);
  return (firstMs + (Math.floor((afterMs - firstMs) / gap) + 1) * gap) / 1000;
}

// rate, increase and delta, as function/rate.ts has them: the slope between the first and the last sample, stretched to the
// window's ends. A cut span has a sample at the very edge, on the line between its first and last: nothing to stretch there.

function extrapolated(counter: boolean, perSecond: boolean): SpanReduce {
  return (window) => {
    const { spans, from, to, afterMs, untilMs } = window;
    const samples = count(window);
    if (samples < 2) return undefined;
    const cutStart = (spans.firstMs[from] as number) <= afterMs;
    const cutEnd = (spans.lastMs[to - 1] as number) > untilMs;
    const firstMs = cutStart ? afterMs : (spans.firstMs[from] as number);
    const lastMs = cutEnd ? untilMs : (spans.lastMs[to - 1] as number);
    const growth = counter ? counterGrowth(window, cutStart, cutEnd) : gaugeGrowth(window);
    const atFirst = spans.first[from] as number;

    let toStart = (firstMs - afterMs) / 1000;
    let toEnd = (untilMs - lastMs) / 1000;
    const sampled = (lastMs - firstMs) / 1000;
    const gap = sampled / (samples - 1);
    const near = gap * 1.1;
    if (toStart >= near) toStart = gap / 2;
    if (counter && growth > 0 && atFirst >= 0 && !cutStart) toStart = Math.min(toStart, sampled * (atFirst / growth));
    if (toEnd >= near) toEnd = gap / 2;
    let factor = (sampled + toStart + toEnd) / sampled;
    if (perSecond) factor /= (untilMs - afterMs) / 1000;
    return growth * factor;
  };
}

/** How far into span `i` a moment lies, 0 to 1. */
function place(spans: Spans, i: number, ms: number): number {
  const firstMs = spans.firstMs[i] as number;
  const lastMs = spans.lastMs[i] as number;
  return ms <= firstMs ? 0 : ms >= lastMs ? 1 : (ms - firstMs) / (lastMs - firstMs);
}

function counterGrowth(window: SpanWindow, cutStart: boolean, cutEnd: boolean): number {
  const { spans, from, to, afterMs, untilMs } = window;
  if (cutStart || cutEnd) {
    let growth = 0;
    for (let i = from; i < to; i++) {
      growth += (spans.increase[i] as number) * (place(spans, i, untilMs) - place(spans, i, afterMs));
      if (i > from) growth += stepBetween(spans, i);
    }
    return growth;
  }
  // Last less first, and what was lost at each reset: of whole numbers the very bits that the samples would give.
  let growth = (spans.last[to - 1] as number) - (spans.first[from] as number);
  for (let i = from; i < to; i++) {
    const before = i > from ? (spans.last[i - 1] as number) : Number.NEGATIVE_INFINITY;
    if ((spans.first[i] as number) < before) growth += before;
    growth += (spans.increase[i] as number) - ((spans.last[i] as number) - (spans.first[i] as number));
  }
  return growth;
}

function stepBetween(spans: Spans, i: number): number {
  const before = spans.last[i - 1] as number;
  const after = spans.first[i] as number;
  return after < before ? after : after - before;
}

function gaugeGrowth({ spans, from, to, afterMs, untilMs }: SpanWindow): number {
  return valueAt(spans, to - 1, untilMs) - valueAt(spans, from, afterMs);
}

/** On the line between first and last; of a moment outside, the end that is nearer. */
function valueAt(spans: Spans, i: number, ms: number): number {
  const first = spans.first[i] as number;
  const last = spans.last[i] as number;
  const at = place(spans, i, ms);
  return at === 0 ? first : at === 1 ? last : first + (last - first) * at;
}

/** The functions that rows answer by their own meaning. */
export const FROM_SPANS: ReadonlyMap<string, SpanReduce> = new Map<string, SpanReduce>([
  ['count_over_time', ifAny(count)],
  ['sum_over_time', ifAny(sum)],
  ['avg_over_time', ifAny((window) => (sum(window) as number) / count(window))],
  ['min_over_time', extreme('min', (candidate, best) => candidate < best)],
  ['max_over_time', extreme('max', (candidate, best) => candidate > best)],
  ['last_over_time', ifAny(last)],
  ['first_over_time', ifAny(first)],
  ['ts_of_last_over_time', ifAny(lastTime)],
  ['ts_of_first_over_time', ifAny(firstTime)],
  ['present_over_time', ifAny(() => 1)],
  ['rate', extrapolated(true, true)],
  ['increase', extrapolated(true, false)],
  ['delta', extrapolated(false, false)],
]);

// Where a span lies, and how many samples it has: what tells which of them a window has.
const WHERE: readonly SpanColumn[] = ['count', 'firstMs', 'lastMs'];
const ENDS: readonly SpanColumn[] = [...WHERE, 'first', 'last'];
const SUMS: readonly SpanColumn[] = [...WHERE, 'sum', 'compensation'];

/** What an instant is read from: span-instants.ts. */
export const INSTANT_READS: readonly SpanColumn[] = ENDS;
/** What stands for samples where a function needs them all: the last of each row. */
export const SAMPLES_READ: readonly SpanColumn[] = [...WHERE, 'last'];

const READS: Readonly<Record<string, readonly SpanColumn[]>> = {
  sum_over_time: SUMS,
  avg_over_time: SUMS,
  min_over_time: [...WHERE, 'min'],
  max_over_time: [...WHERE, 'max'],
  last_over_time: ENDS,
  first_over_time: ENDS,
  rate: [...ENDS, 'increase'],
  increase: [...ENDS, 'increase'],
  delta: ENDS,
};

/** The columns that a function of FROM_SPANS, or `absent_over_time`, reads. */
export function columnsRead(functionName: string): readonly SpanColumn[] {
  return READS[functionName] ?? WHERE;
}
