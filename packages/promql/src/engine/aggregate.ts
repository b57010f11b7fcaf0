import { assert, must } from '@tidemark/base';
import { type Labels, METRIC_NAME } from '@tidemark/model';
import { HistogramNotes } from '../function/histogram-notes.ts';
import { warnOfQuantiles } from '../function/warning.ts';
import { histogramText } from '../histogram/text.ts';
import type { Aggregate } from '../language/ast.ts';
import { executionError } from '../language/errors.ts';
import { formatDecimal, quote } from '../language/literal.ts';
import { withLabel } from '../value/label-set.ts';
import { mergeSameLabels, seriesKey } from '../value/merge.ts';
import { LABEL_WORK } from '../value/pace.ts';
import { emptySeries, type Grid, isAbsent, type Series, type Value } from '../value/value.ts';
import { groupingOf } from './grouping.ts';
import { numbersAlone, totalMixed } from './mixed-aggregate.ts';
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
  const inner = new HistogramNotes(scope.notes, expr.expr.position);
  switch (operator) {
    case 'topk':
    case 'bottomk': {
      const outer = new HistogramNotes(scope.notes, expr.position);
      const ranked = must(numbers).some((count) => count >= 1);
      const among = groups.map((group) => ({
        ...group,
        members: [...(ranked ? numbersAlone(group.members, operator, outer) : group.members)],
      }));
      return { kind: 'vector', series: await selectByRank(scope, operator, grid, among, must(numbers)) };
    }
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
    let result = emptySeries(group.labels, grid.steps, group.dropName);
    const isMixed = group.members.some(({ histograms }) => histograms !== undefined);
    if (isMixed && (operator === 'sum' || operator === 'avg')) {
      const notesFor = (name: string) => new HistogramNotes(scope.notes, expr.expr.position, name);
      result = await totalMixed(scope.meter, operator, group.members, result, notesFor);
    } else if (operator === 'stddev' || operator === 'stdvar' || operator === 'quantile') {
      await reduceColumns(scope.meter, operator, numbersAlone(group.members, operator, inner), result, numbers);
    } else {
      // How many there are, and whether, needs no numbers.
      const counts = operator === 'count' || operator === 'group';
      const members = counts ? group.members : numbersAlone(group.members, operator, inner);
      await reduceSeries(scope.meter, operator, members, result);
    }
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
  // Groups that differ only in the label that now bears the value become one.
  const out = new Map<string, Series>();
  for (const group of groups) {
    const byValue = new Map<string, Series>();
    for (const { values, present, histograms } of group.members) {
      for (let k = 0; k < grid.steps; k++) {
        if (present[k] === 0) continue;
        const histogram = histograms?.[k];
        const text = histogram === undefined ? formatDecimal(values[k] as number) : histogramText(histogram);
        let series = byValue.get(text);
        if (!series) {
          const made = emptySeries(withLabel(group.labels, label, text), grid.steps, group.dropName);
          const key = seriesKey(made);
          series = out.get(key);
          if (!series) {
            series = made;
            out.set(key, series);
            // Each different value is a column of its own: this is where a careless query grows.
            scope.meter.take(grid.steps);
          }
          byValue.set(text, series);
        }
        series.values[k] = (series.values[k] as number) + 1;
        series.present[k] = 1;
      }
      const pause = scope.meter.pulse(grid.steps);
      if (pause) await pause;
    }
  }
  scope.meter.release(out.size * grid.steps);
  return [...out.values()];
}
