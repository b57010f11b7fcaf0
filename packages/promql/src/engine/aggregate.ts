import { assert, must } from '@tidemark/base';
import { type Labels, METRIC_NAME } from '@tidemark/model';
import { warnOfQuantiles } from '../function/warning.ts';
import type { Aggregate } from '../language/ast.ts';
import { executionError } from '../language/errors.ts';
import { formatDecimal, quote } from '../language/literal.ts';
import { withLabel } from '../value/label-set.ts';
import { mergeSameLabels } from '../value/merge.ts';
import { LABEL_WORK } from '../value/pace.ts';
import { emptySeries, type Grid, isAbsent, type Series, type Value } from '../value/value.ts';
import { groupingOf } from './grouping.ts';
import { selectByRank } from './rank.ts';
import { reduceColumns, reduceSeries } from './reduction.ts';
import type { Scope } from './scope.ts';

// Aggregations: series are grouped once by their labels, then each group is reduced over all its steps.

export interface Group {
  readonly labels: Labels;
  /** Some member's name has lost its meaning, and the group is told by the name. */
  dropName: boolean;
  readonly members: Series[];
}

export async function aggregate(
  scope: Scope,
  expr: Aggregate,
  grid: Grid,
  input: Value,
  param: Value | undefined,
): Promise<Value> {
  assert(input.kind === 'vector', 'an aggregation takes a vector');
  const numbers = param?.kind === 'scalar' ? param.values : undefined;
  checkNumbers(scope, expr, numbers);
  const groups = await groupSeries(scope, expr, input.series);
  const { operator } = expr;
  switch (operator) {
    case 'topk':
    case 'bottomk':
    case 'limitk':
    case 'limit_ratio':
      return { kind: 'vector', series: await selectByRank(scope, operator, grid, groups, must(numbers)) };
    case 'count_values': {
      assert(param?.kind === 'string', 'count_values takes a label name');
      const counted = await countValues(scope, grid, groups, param.text);
      return { kind: 'vector', series: await mergeSameLabels(counted, grid, scope.meter) };
    }
  }
  const out: Series[] = [];
  for (const group of groups) {
    const result = emptySeries(group.labels, grid.steps, group.dropName);
    if (operator === 'stddev' || operator === 'stdvar' || operator === 'quantile') {
      await reduceColumns(scope.meter, operator, group.members, result, numbers);
    } else await reduceSeries(scope.meter, operator, group.members, result);
    if (!isAbsent(result)) out.push(result);
  }
  return { kind: 'vector', series: out };
}

function checkNumbers(scope: Scope, expr: Aggregate, numbers: Float64Array | undefined): void {
  if (numbers === undefined || !expr.param) return;
  const { position } = expr.param;
  if (expr.operator === 'quantile') {
    warnOfQuantiles(scope.notes, numbers, position);
    return;
  }
  if (expr.operator === 'limit_ratio') {
    if (numbers.some(Number.isNaN)) throw executionError('Ratio value is NaN', position);
    for (const ratio of numbers) {
      if (ratio >= -1 && ratio <= 1) continue;
      const capped = ratio > 1 ? 1 : -1;
      scope.notes.warn(`ratio value should be between -1 and 1, got ${ratio}, capping to ${capped}`, position);
      return;
    }
    return;
  }
  if (numbers.some(Number.isNaN)) throw executionError('Parameter value is NaN', position);
  const huge = numbers.find((value) => Math.abs(value) >= 2 ** 63);
  if (huge !== undefined) throw executionError(`Scalar value ${huge} overflows int64`, position);
}

async function groupSeries(scope: Scope, expr: Aggregate, series: readonly Series[]): Promise<Group[]> {
  const { keyOf, labelsOf } = groupingOf(expr);
  const namesMatter = !expr.without && expr.grouping.includes(METRIC_NAME);
  const groups = new Map<string, Group>();
  for (const one of series) {
    const key = keyOf(one.labels);
    let group = groups.get(key);
    if (!group) {
      group = { labels: labelsOf(one.labels), dropName: false, members: [] };
      groups.set(key, group);
    }
    if (namesMatter && one.dropName) group.dropName = true;
    group.members.push(one);
    const pause = scope.meter.pulse(LABEL_WORK);
    if (pause) await pause;
  }
  return [...groups.values()];
}

/** How many members have each value, the value's text as a label. */
async function countValues(scope: Scope, grid: Grid, groups: readonly Group[], label: string): Promise<Series[]> {
  if (label === '' || !label.isWellFormed()) throw executionError(`invalid label name ${quote(label)}`);
  const out: Series[] = [];
  for (const group of groups) {
    const byValue = new Map<string, Series>();
    for (const { values, present } of group.members) {
      for (let k = 0; k < grid.steps; k++) {
        if (present[k] === 0) continue;
        const text = formatDecimal(values[k] as number);
        let series = byValue.get(text);
        if (!series) {
          series = emptySeries(withLabel(group.labels, label, text), grid.steps, group.dropName);
          byValue.set(text, series);
          // Each different value is a column of its own: this is where a careless query grows.
          scope.meter.take(grid.steps);
        }
        series.values[k] = (series.values[k] as number) + 1;
        series.present[k] = 1;
      }
      const pause = scope.meter.pulse(grid.steps);
      if (pause) await pause;
    }
    scope.meter.release(byValue.size * grid.steps);
    out.push(...byValue.values());
  }
  return out;
}
