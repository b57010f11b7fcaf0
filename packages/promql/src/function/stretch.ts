import type { Windows } from '../engine/window.ts';
import type { ReduceSteps } from './definition.ts';

// How fast something grows, from the first and last point of a window, stretched to the window's ends.
//
//   (·····|──────|──────|···]      first and last point seldom stand on the ends: the slope between them is stretched
//   start first       last end     to an end that is nearer than 1.1 average gaps, else by half a gap; a counter is
//                                   never stretched below zero at its start
//
// A counter that fell was reset: what it had before is added. Resets are rare, so their places are found once per series and
// a window without one costs two reads.
//
// What the times of a window alone say of its stretch is worked out when times change, and stands for all series that move in step:
//
//   of times     gap, ends nearer than 1.1 gaps ──▶ factor[k]           once a scrape
//   of values    last - first, resets           ──▶ growth * factor[k]  each series
//
// A counter's stretch is cut where it would begin below zero: that depends on values. It is looked at only where growth is more
// than half of the first value, for below that zero lies more than two sampled lengths before the window, and no stretch is so long.

const POINTS_MIN = 2;

class Stretch {
  version = -1;
  readonly sampled: Float64Array;
  readonly toStart: Float64Array;
  readonly toEnd: Float64Array;
  readonly factor: Float64Array;

  constructor(steps: number) {
    this.sampled = new Float64Array(steps);
    this.toStart = new Float64Array(steps);
    this.toEnd = new Float64Array(steps);
    this.factor = new Float64Array(steps);
  }

  /** Of steps whose windows have points enough. */
  work(windows: Windows, perSecond: boolean): void {
    const { timestampsMs, rangeMs, steps } = windows;
    for (let k = 0; k < steps; k++) {
      const from = windows.from[k] as number;
      const to = windows.to[k] as number;
      if (to - from < POINTS_MIN) continue;
      const firstMs = timestampsMs[from] as number;
      const lastMs = timestampsMs[to - 1] as number;
      const endMs = windows.endMs(k);
      const sampled = (lastMs - firstMs) / 1000;
      const gap = sampled / (to - from - 1);
      let toStart = (firstMs - (endMs - rangeMs)) / 1000;
      let toEnd = (endMs - lastMs) / 1000;
      if (toStart >= gap * 1.1) toStart = gap / 2;
      if (toEnd >= gap * 1.1) toEnd = gap / 2;
      this.sampled[k] = sampled;
      this.toStart[k] = toStart;
      this.toEnd[k] = toEnd;
      this.factor[k] = factorOf(sampled, toStart, toEnd, perSecond ? rangeMs : undefined);
    }
    this.version = windows.version;
  }
}

function factorOf(sampled: number, toStart: number, toEnd: number, rangeMs: number | undefined): number {
  const factor = (sampled + toStart + toEnd) / sampled;
  return rangeMs === undefined ? factor : factor / (rangeMs / 1000);
}

export interface StretchedWindow {
  readonly firstMs: number;
  readonly lastMs: number;
  /** Points but one. */
  readonly gaps: number;
  readonly endMs: number;
  readonly rangeMs: number;
  readonly perSecond: boolean;
  /** How many sampled lengths before the first point the counter would be zero; undefined: it is none, or does not grow. */
  readonly zeroAfter: number | undefined;
}

/** The factor of one window alone, as `Stretch` has it of all of them. */
export function stretchFactor(window: StretchedWindow): number {
  const { firstMs, lastMs, gaps, endMs, rangeMs, perSecond, zeroAfter } = window;
  const sampled = (lastMs - firstMs) / 1000;
  const gap = sampled / gaps;
  let toStart = (firstMs - (endMs - rangeMs)) / 1000;
  let toEnd = (endMs - lastMs) / 1000;
  if (toStart >= gap * 1.1) toStart = gap / 2;
  if (zeroAfter !== undefined) toStart = Math.min(toStart, sampled * zeroAfter);
  if (toEnd >= gap * 1.1) toEnd = gap / 2;
  return factorOf(sampled, toStart, toEnd, perSecond ? rangeMs : undefined);
}

/** All windows of rate, increase, delta. */
export function stretched(counter: boolean, perSecond: boolean): ReduceSteps {
  // A query has one for each of its ranges; they go with it.
  const stretches = new WeakMap<Windows, Stretch>();
  return (windows, into, fromStep, toStep) => {
    let stretch = stretches.get(windows);
    if (stretch === undefined) {
      stretch = new Stretch(windows.steps);
      stretches.set(windows, stretch);
    }
    if (stretch.version !== windows.version) stretch.work(windows, perSecond);
    if (counter) growCounters(windows, stretch, perSecond, into.values, into.present, fromStep, toStep);
    else growGauges(windows, stretch, into.values, into.present, fromStep, toStep);
  };
}

function growGauges(
  { from, to, values }: Windows,
  { factor }: Stretch,
  into: Float64Array,
  present: Uint8Array,
  fromStep: number,
  toStep: number,
): void {
  for (let k = fromStep; k < toStep; k++) {
    const first = from[k] as number;
    const end = to[k] as number;
    if (end - first < POINTS_MIN) continue;
    into[k] = ((values[end - 1] as number) - (values[first] as number)) * (factor[k] as number);
    present[k] = 1;
  }
}

function growCounters(
  windows: Windows,
  { sampled, toStart, toEnd, factor }: Stretch,
  perSecond: boolean,
  into: Float64Array,
  present: Uint8Array,
  fromStep: number,
  toStep: number,
): void {
  const { from, to, values, rangeMs } = windows;
  const resets = windows.resets();
  for (let k = fromStep; k < toStep; k++) {
    const begin = from[k] as number;
    const end = to[k] as number;
    if (end - begin < POINTS_MIN) continue;
    const first = values[begin] as number;
    let growth = (values[end - 1] as number) - first;
    if (resets.length > 0) growth = addResets(windows, begin, end, growth);
    let by = factor[k] as number;
    if (growth > 0 && first >= 0 && !(first >= growth * 2)) {
      const length = sampled[k] as number;
      const begins = Math.min(toStart[k] as number, length * (first / growth));
      by = factorOf(length, begins, toEnd[k] as number, perSecond ? rangeMs : undefined);
    }
    into[k] = growth * by;
    present[k] = 1;
  }
}

/** Adds what the counter had before each reset in the window, in order. */
function addResets(windows: Windows, from: number, to: number, growth: number): number {
  const resets = windows.resets();
  let at = windows.firstResetAfter(from);
  for (; at < resets.length && (resets[at] as number) < to; at++) {
    growth += windows.values[(resets[at] as number) - 1] as number;
  }
  return growth;
}
