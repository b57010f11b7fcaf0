import type { Matching, SetOperator } from '../language/ast.ts';
import { labelKey } from '../value/label-set.ts';
import { mergeSameLabels } from '../value/merge.ts';
import { LABEL_WORK } from '../value/pace.ts';
import { type Grid, isAbsent, type Series } from '../value/value.ts';
import type { Scope } from './scope.ts';
import { matchedLabels } from './signature.ts';

// and, or, unless: series are kept or not, step by step, by whether the other side has one with the same labels.

export async function combineSets(
  scope: Scope,
  operator: SetOperator,
  matching: Matching,
  grid: Grid,
  left: readonly Series[],
  right: readonly Series[],
): Promise<readonly Series[]> {
  const labelsFor = matchedLabels(matching);
  const keyOf = (series: Series) => labelKey(labelsFor(series.labels));
  const [kept, other] = operator === 'or' ? [right, left] : [left, right];
  const there = await presenceByKey(scope, other, keyOf, grid.steps);
  const wanted = operator === 'and' ? 1 : 0;
  const out: Series[] = operator === 'or' ? [...left] : [];
  for (const series of kept) {
    const seen = there.get(keyOf(series));
    if (!seen) {
      if (wanted === 0) out.push(series);
      continue;
    }
    const present = new Uint8Array(grid.steps);
    for (let k = 0; k < grid.steps; k++) present[k] = series.present[k] === 1 && seen[k] === wanted ? 1 : 0;
    const result = { ...series, present };
    if (!isAbsent(result)) out.push(result);
    const pause = scope.meter.pulse(grid.steps + LABEL_WORK);
    if (pause) await pause;
  }
  return operator === 'or' ? mergeSameLabels(out, grid, scope.meter) : out;
}

async function presenceByKey(
  scope: Scope,
  series: readonly Series[],
  keyOf: (series: Series) => string,
  steps: number,
): Promise<Map<string, Uint8Array>> {
  const there = new Map<string, Uint8Array>();
  for (const one of series) {
    const key = keyOf(one);
    let seen = there.get(key);
    if (!seen) {
      seen = new Uint8Array(steps);
      there.set(key, seen);
    }
    for (let k = 0; k < steps; k++) if (one.present[k] === 1) seen[k] = 1;
    const pause = scope.meter.pulse(steps + LABEL_WORK);
    if (pause) await pause;
  }
  return there;
}
