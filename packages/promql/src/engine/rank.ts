import { hash32 } from '@tidemark/base';
import { encodeLabels } from '@tidemark/model';
import { emptySeries, type Grid, isAbsent, type Series } from '../value/value.ts';
import type { Group } from './aggregate.ts';
import type { Meter } from './limits.ts';
import type { Scope } from './scope.ts';

// Aggregations that choose members instead of reducing them: topk, bottomk, limitk, limit_ratio. A chosen series keeps its
// labels, and has a value at the steps at which it was chosen. An instant result comes in the order of the choice.

type Operator = 'topk' | 'bottomk' | 'limitk' | 'limit_ratio';

export async function selectByRank(
  scope: Scope,
  operator: Operator,
  grid: Grid,
  groups: readonly Group[],
  numbers: Float64Array,
): Promise<readonly Series[]> {
  const out: Series[] = [];
  for (const { members } of groups) {
    const results = members.map((member) => emptySeries(member.labels, grid.steps, member.dropName));
    const order = await chooseFrom(scope.meter, operator, members, results, numbers);
    for (const index of order) {
      const series = results[index];
      if (series === undefined || isAbsent(series)) continue;
      const histograms = members[index]?.histograms;
      out.push(histograms === undefined ? series : { ...series, histograms });
    }
  }
  return out;
}

/** Fills the results; returns the members' order in the last step, the others after them. */
async function chooseFrom(
  meter: Meter,
  operator: Operator,
  members: readonly Series[],
  results: readonly Series[],
  numbers: Float64Array,
): Promise<number[]> {
  const shares = operator === 'limit_ratio' ? members.map(shareOf) : [];
  let order: number[] = [];
  for (let k = 0; k < numbers.length; k++) {
    const here: number[] = [];
    members.forEach(({ present }, index) => {
      if (present[k] === 1) here.push(index);
    });
    order =
      operator === 'limit_ratio'
        ? here.filter((index) => inRatio(shares[index] as number, numbers[k] as number))
        : firstOf(operator, here, members, k, Math.trunc(numbers[k] as number));
    for (const index of order) {
      const result = results[index] as Series;
      result.values[k] = (members[index] as Series).values[k] as number;
      result.present[k] = 1;
    }
    const pause = meter.pulse(members.length * 4);
    if (pause) await pause;
  }
  const chosen = new Set(order);
  return [...order, ...members.keys().filter((index) => !chosen.has(index))];
}

function firstOf(
  operator: Operator,
  here: number[],
  members: readonly Series[],
  step: number,
  count: number,
): number[] {
  if (count < 1) return [];
  if (operator === 'limitk') return here.slice(0, count);
  const sign = operator === 'topk' ? -1 : 1;
  const keyOf = (index: number) => sign * ((members[index] as Series).values[step] as number);
  return smallest(here, keyOf, count);
}

// Inserting into a short list beats sorting everything; into a long one it moves too much.
const INSERTED_MAX = 64;

/** The `count` candidates of the smallest keys in order, NaN last, equal ones as they came. */
export function smallest(candidates: readonly number[], keyOf: (index: number) => number, count: number): number[] {
  if (count > INSERTED_MAX) {
    const all = candidates.map((index) => ({ index, key: keyOf(index) }));
    all.sort((a, b) => (comesBefore(a.key, b.key) ? -1 : comesBefore(b.key, a.key) ? 1 : 0));
    return all.slice(0, count).map(({ index }) => index);
  }
  const chosen: number[] = [];
  const keys: number[] = [];
  for (const index of candidates) {
    const key = keyOf(index);
    const full = chosen.length >= count;
    if (full && !comesBefore(key, keys[keys.length - 1] as number)) continue;
    let low = 0;
    let high = chosen.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comesBefore(key, keys[middle] as number)) high = middle;
      else low = middle + 1;
    }
    chosen.splice(low, 0, index);
    keys.splice(low, 0, key);
    if (full) {
      chosen.pop();
      keys.pop();
    }
  }
  return chosen;
}

function comesBefore(a: number, b: number): boolean {
  return a < b || (b !== b && a === a);
}

/** Where in [0, 1) a series stands, by its labels alone: the same in every query. */
function shareOf({ labels }: Series): number {
  const bytes = encodeLabels(labels);
  return (hash32(bytes, 0, bytes.length) >>> 0) / 2 ** 32;
}

/** A positive ratio takes series from below, a negative one from above: r and r - 1 share out all of them. */
function inRatio(share: number, ratio: number): boolean {
  return ratio >= 0 ? share < ratio : share >= 1 + ratio;
}
