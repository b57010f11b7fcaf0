import type { Windows } from '../engine/window.ts';
import { type Reduce, windowFunction } from './definition.ts';

// How fast something grows, from the first and last point of a window, stretched to the window's ends.
//
//   (·····|──────|──────|···]      first and last point seldom stand on the ends: the slope between them is stretched
//   start first       last end     to an end that is nearer than 1.1 average gaps, else by half a gap; a counter is
//                                   never stretched below zero at its start
//
// A counter that fell was reset: what it had before is added. Resets are rare, so their places are found once per series and
// a window without one costs two reads.

function extrapolated(counter: boolean, perSecond: boolean): Reduce {
  return (windows, from, to, step) => {
    const { timestampsMs, values } = windows;
    const firstMs = timestampsMs[from] as number;
    const lastMs = timestampsMs[to - 1] as number;
    const first = values[from] as number;
    let growth = (values[to - 1] as number) - first;
    if (counter) growth = addResets(windows, from, to, growth);

    const endMs = windows.endMs(step);
    let toStart = (firstMs - (endMs - windows.rangeMs)) / 1000;
    let toEnd = (endMs - lastMs) / 1000;
    const sampled = (lastMs - firstMs) / 1000;
    const gap = sampled / (to - from - 1);
    const near = gap * 1.1;
    if (toStart >= near) toStart = gap / 2;
    if (counter && growth > 0 && first >= 0) toStart = Math.min(toStart, sampled * (first / growth));
    if (toEnd >= near) toEnd = gap / 2;
    let factor = (sampled + toStart + toEnd) / sampled;
    if (perSecond) factor /= windows.rangeMs / 1000;
    return growth * factor;
  };
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

/** The difference of the last two points: of a counter (a fall counts from zero) per second, or plain. */
function lastStep(perSecond: boolean): Reduce {
  return (windows, _from, to) => {
    const { timestampsMs, values } = windows;
    const last = values[to - 1] as number;
    const before = values[to - 2] as number;
    if (!perSecond) return last - before;
    const seconds = ((timestampsMs[to - 1] as number) - (timestampsMs[to - 2] as number)) / 1000;
    return (last < before ? last : last - before) / seconds;
  };
}

const resets: Reduce = (windows, from, to) => {
  const places = windows.resets();
  let at = windows.firstResetAfter(from);
  const first = at;
  while (at < places.length && (places[at] as number) < to) at++;
  return at - first;
};

const changes: Reduce = ({ values }, from, to) => {
  let count = 0;
  let before = values[from] as number;
  for (let i = from + 1; i < to; i++) {
    const value = values[i] as number;
    if (value !== before && !(value !== value && before !== before)) count++;
    before = value;
  }
  return count;
};

export const RATE_FUNCTIONS = {
  rate: windowFunction(extrapolated(true, true), { pointsMin: 2, counter: true }),
  increase: windowFunction(extrapolated(true, false), { pointsMin: 2, counter: true }),
  delta: windowFunction(extrapolated(false, false), { pointsMin: 2 }),
  irate: windowFunction(lastStep(true), { pointsMin: 2 }),
  idelta: windowFunction(lastStep(false), { pointsMin: 2 }),
  resets: windowFunction(resets),
  changes: windowFunction(changes),
} as const;
