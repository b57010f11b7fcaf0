import { type Reduce, stepsFunction, type WindowFunction, windowFunction } from './definition.ts';
import { stretched } from './stretch.ts';

// How fast something grows. rate, increase and delta over whole windows: stretch.ts.

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

function growing(counter: boolean, perSecond: boolean): WindowFunction {
  return stepsFunction(stretched(counter, perSecond), { pointsMin: 2, counter, growth: { counter, perSecond } });
}

export const RATE_FUNCTIONS = {
  rate: growing(true, true),
  increase: growing(true, false),
  delta: growing(false, false),
  irate: windowFunction(lastStep(true), { pointsMin: 2 }),
  idelta: windowFunction(lastStep(false), { pointsMin: 2 }),
  resets: windowFunction(resets),
  changes: windowFunction(changes),
} as const;
