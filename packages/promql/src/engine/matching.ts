import { type Labels, labelValue } from '@tidemark/model';
import type { Binary, Matching } from '../language/ast.ts';
import { executionError } from '../language/errors.ts';
import {
  compareLabels,
  describeLabels,
  keepLabels,
  labelKey,
  omitLabels,
  omitMetadata,
  withLabel,
} from '../value/label-set.ts';
import { mergeSameLabels } from '../value/merge.ts';
import { emptySeries, type Grid, isAbsent, type Series } from '../value/value.ts';
import type { Combination } from './operator.ts';
import type { Scope } from './scope.ts';
import { matchedLabels } from './signature.ts';

// Operators between two vectors. One side is "the one": at each step at most one of its series may bear the labels that are
// matched on. The other may have many (group_left, group_right) or must have one too.
//
//   many   {job=a, cpu=0} ─┐                          both sides are gathered into meetings by the matched labels;
//          {job=a, cpu=1} ─┼─ on(job) ─ {job=a} one   `owner[k]` is the one-side series that is there at step k
//
// `fill_left` stands in for a missing series of the many side, `fill_right` for one of the one side; with group_right, too,
// where the many side stands on the right: that is how Prometheus has it.
//
// Which series is there can change from step to step, so everything is checked step by step, but labels are looked at once.

interface Meeting {
  readonly labels: Labels;
  readonly ones: Series[];
  readonly many: Series[];
  /** Index into `ones` of the series present at each step, -1 where there is none. */
  readonly owner: Int32Array;
  /** Steps that have any of the many side. */
  readonly manyThere: Uint8Array;
}

export async function matchVectors(
  scope: Scope,
  expr: Binary,
  combination: Combination,
  grid: Grid,
  left: readonly Series[],
  right: readonly Series[],
): Promise<readonly Series[]> {
  const { matching } = expr;
  const swapped = matching.card === 'one-to-many';
  const meetings = gather(matching, grid, swapped ? left : right, swapped ? right : left);
  const match = new VectorMatch(expr, combination, grid, scope.delayedNames);
  for (const meeting of meetings) {
    match.meet(meeting);
    const pause = scope.meter.pulse(grid.steps * (meeting.many.length + 1));
    if (pause) await pause;
  }
  return mergeSameLabels(match.results, grid);
}

function gather(matching: Matching, grid: Grid, ones: readonly Series[], many: readonly Series[]): Iterable<Meeting> {
  const labelsFor = matchedLabels(matching);
  const meetings = new Map<string, Meeting>();
  const meetingOf = (series: Series): Meeting => {
    const labels = labelsFor(series.labels);
    const key = labelKey(labels);
    let meeting = meetings.get(key);
    if (!meeting) {
      const owner = new Int32Array(grid.steps).fill(-1);
      meeting = { labels, ones: [], many: [], owner, manyThere: new Uint8Array(grid.steps) };
      meetings.set(key, meeting);
    }
    return meeting;
  };
  for (const series of many) meetingOf(series).many.push(series);
  for (const series of ones) {
    const meeting = meetingOf(series);
    meeting.ones.push(series);
    own(matching, meeting, series);
  }
  for (const { many: members, manyThere } of meetings.values()) {
    for (const { present } of members) for (let k = 0; k < grid.steps; k++) if (present[k] === 1) manyThere[k] = 1;
  }
  return meetings.values();
}

/** Throws `PROMQL_EXECUTION` when another series of the one side is there already. */
function own(matching: Matching, meeting: Meeting, series: Series): void {
  const index = meeting.ones.length - 1;
  for (let k = 0; k < meeting.owner.length; k++) {
    if (series.present[k] === 0) continue;
    const before = meeting.ones[meeting.owner[k] as number];
    if (before) throw duplicate(matching, meeting, before, series);
    meeting.owner[k] = index;
  }
}

function duplicate(matching: Matching, { labels }: Meeting, a: Series, b: Series) {
  const side = matching.card === 'one-to-many' ? 'left' : 'right';
  const both = [a.labels, b.labels].sort(compareLabels).map(describeLabels);
  return executionError(
    `found duplicate series for the match group ${describeLabels(labels)} on the ${side} hand-side of the operation: ` +
      `[${both.join(', ')}];many-to-many matching not allowed: matching labels must be unique on one side`,
  );
}

class VectorMatch {
  readonly results: Series[] = [];
  readonly #matching: Matching;
  readonly #combination: Combination;
  readonly #grid: Grid;
  readonly #swapped: boolean;
  readonly #delayed: boolean;
  readonly #bool: boolean;

  constructor(expr: Binary, combination: Combination, grid: Grid, delayed: boolean) {
    this.#matching = expr.matching;
    this.#combination = combination;
    this.#grid = grid;
    this.#swapped = expr.matching.card === 'one-to-many';
    this.#delayed = delayed;
    this.#bool = expr.bool;
  }

  meet(meeting: Meeting): void {
    const oneToOne = this.#matching.card === 'one-to-one';
    const taken = oneToOne ? new Uint8Array(this.#grid.steps) : undefined;
    const results = new Map<string, Series>();
    for (const many of meeting.many) this.#meetOne(meeting, many, results, taken);
    const fill = this.#matching.fillLeft;
    if (fill !== undefined) this.#fillMany(meeting, fill, results);
    for (const series of results.values()) if (!isAbsent(series)) this.results.push(series);
  }

  /** One series of the many side against whoever is there on the one side, step by step. */
  #meetOne(meeting: Meeting, many: Series, results: Map<string, Series>, taken: Uint8Array | undefined): void {
    const { owner, ones } = meeting;
    const fill = this.#matching.fillRight;
    // The result's labels depend on the partner; most series have the same partner at every step.
    const byPartner = new Map<number, Series>();
    for (let k = 0; k < owner.length; k++) {
      if (many.present[k] === 0) continue;
      const partner = owner[k] as number;
      const one = ones[partner];
      if (!one && fill === undefined) continue;
      // Checked before filtering: whether a query is sound must not depend on the values it meets.
      if (taken && taken[k] === 1) {
        throw executionError(
          'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
        );
      }
      if (taken) taken[k] = 1;
      const value = this.#combine(many.values[k] as number, one ? (one.values[k] as number) : (fill as number));
      if (value === undefined) continue;
      let result = byPartner.get(partner);
      if (!result) {
        result = this.#resultFor(many.labels, one?.labels ?? [], many.dropName, results);
        byPartner.set(partner, result);
      }
      this.#put(result, k, value);
    }
  }

  /** Steps at which only the one side is there; the other counts as `fill`, with the matched labels. */
  #fillMany(meeting: Meeting, fill: number, results: Map<string, Series>): void {
    const { owner, ones, manyThere, labels } = meeting;
    for (let k = 0; k < owner.length; k++) {
      const one = ones[owner[k] as number];
      if (!one || manyThere[k] === 1) continue;
      const value = this.#combine(fill, one.values[k] as number);
      if (value === undefined) continue;
      this.#put(this.#resultFor(labels, one.labels, false, results), k, value);
    }
  }

  #combine(many: number, one: number): number | undefined {
    const left = this.#swapped ? one : many;
    const right = this.#swapped ? many : one;
    const { of, keeps } = this.#combination;
    return keeps && !keeps(left, right) ? undefined : of(left, right);
  }

  #put(result: Series, step: number, value: number): void {
    if (result.present[step] === 1) {
      throw executionError('multiple matches for labels: grouping labels must ensure unique matches');
    }
    result.values[step] = value;
    result.present[step] = 1;
  }

  #resultFor(many: Labels, one: Labels, dropName: boolean, results: Map<string, Series>): Series {
    const labels = this.#resultLabels(many, one);
    const key = labelKey(labels);
    const known = results.get(key);
    if (known) return known;
    const series = emptySeries(labels, this.#grid.steps, this.#delayed && (dropName || this.#bool));
    results.set(key, series);
    return series;
  }

  #resultLabels(many: Labels, one: Labels): Labels {
    const { on, card, labels: names, include } = this.#matching;
    const { voidsName } = this.#combination;
    let labels = voidsName && !(this.#bool && this.#delayed) ? omitMetadata(many) : many;
    if (card === 'one-to-one') {
      const matched = new Set(names);
      labels = on ? keepLabels(labels, matched) : omitLabels(labels, matched);
    }
    for (const name of include) labels = withLabel(labels, name, labelValue(one, name));
    return labels;
  }
}
