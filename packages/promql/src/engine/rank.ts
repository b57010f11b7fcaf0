import { hash32 } from '@tidemark/base';
import { encodeLabels } from '@tidemark/model';
import { mergeSameLabels } from '../value/merge.ts';
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
      if (series && !isAbsent(series)) out.push(series);
    }
  }
  return mergeSameLabels(out, grid);
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
  if (operator !== 'limitk') {
    const direction = operator === 'topk' ? -1 : 1;
    const valueAt = (index: number) => (members[index] as Series).values[step] as number;
    // NaN is the last choice of both.
    here.sort((a, b) => {
      const x = valueAt(a);
      const y = valueAt(b);
      if (x !== x || y !== y) return x === x ? -1 : y === y ? 1 : 0;
      return (x - y || 0) * direction;
    });
  }
  return here.slice(0, count);
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
