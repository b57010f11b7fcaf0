import { assert } from '@tidemark/base';
import { type Labels, labelValue } from '@tidemark/model';
import { HistogramNotes } from '../function/histogram-notes.ts';
import type { FloatHistogram } from '../histogram/float-histogram.ts';
import { type Binary, isTrim, type Matching } from '../language/ast.ts';
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
import { mergeSameLabels, seriesKey } from '../value/merge.ts';
import { type Sample, SeriesDraft, sampleAt } from '../value/mixed.ts';
import { LABEL_WORK } from '../value/pace.ts';
import { emptySeries, type Grid, isAbsent, type Series } from '../value/value.ts';
import { combineMixed } from './mixed-operator.ts';
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
}

export async function matchVectors(
  scope: Scope,
  expr: Binary,
  combination: Combination,
  grid: Grid,
  left: readonly Series[],
  right: readonly Series[],
): Promise<readonly Series[]> {
  const [ones, many] = expr.matching.card === 'one-to-many' ? [left, right] : [right, left];
  const meetings = new Map<string, Meeting>();
  await gather(scope, expr.matching, meetings, many, 'many');
  await gather(scope, expr.matching, meetings, ones, 'ones');
  const match = new VectorMatch(expr, combination, grid, scope);
  for (const meeting of meetings.values()) {
    match.meet(meeting);
    const pause = scope.meter.pulse((grid.steps + LABEL_WORK) * (meeting.many.length + 1));
    if (pause) await pause;
  }
  return mergeSameLabels(match.results, grid, scope.meter);
}

async function gather(
  scope: Scope,
  matching: Matching,
  meetings: Map<string, Meeting>,
  series: readonly Series[],
  side: 'ones' | 'many',
): Promise<void> {
  const labelsFor = matchedLabels(matching);
  for (const one of series) {
    const labels = labelsFor(one.labels);
    const key = labelKey(labels);
    let meeting = meetings.get(key);
    if (!meeting) {
      meeting = { labels, ones: [], many: [] };
      meetings.set(key, meeting);
    }
    meeting[side].push(one);
    const pause = scope.meter.pulse(LABEL_WORK);
    if (pause) await pause;
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
  readonly #expr: Binary;
  readonly #notes: HistogramNotes;
  readonly #trims: boolean;
  /** Of the meeting at hand, those results in which there are native histograms. */
  readonly #drafts = new Map<string, SeriesDraft>();
  readonly #matching: Matching;
  readonly #combination: Combination;
  readonly #grid: Grid;
  readonly #swapped: boolean;
  readonly #delayed: boolean;
  readonly #bool: boolean;
  readonly #names: ReadonlySet<string>;
  // Of the meeting at hand; one of each for all of them.
  /** Index into its `ones` of the series present at each step, -1 where there is none. */
  readonly #owner: Int32Array;
  /** Steps at which the one partner is taken, where there must be one only. */
  readonly #taken: Uint8Array;

  constructor(expr: Binary, combination: Combination, grid: Grid, scope: Pick<Scope, 'notes' | 'delayedNames'>) {
    this.#expr = expr;
    this.#notes = new HistogramNotes(scope.notes, expr.position);
    this.#trims = isTrim(expr.operator);
    this.#matching = expr.matching;
    this.#combination = combination;
    this.#grid = grid;
    this.#swapped = expr.matching.card === 'one-to-many';
    this.#delayed = scope.delayedNames;
    this.#bool = expr.bool;
    this.#names = new Set(expr.matching.labels);
    this.#owner = new Int32Array(grid.steps);
    this.#taken = new Uint8Array(grid.steps);
  }

  meet(meeting: Meeting): void {
    this.#owner.fill(-1);
    this.#taken.fill(0);
    for (let index = 0; index < meeting.ones.length; index++) this.#own(meeting, index);
    const results = new Map<string, Series>();
    for (const many of meeting.many) this.#meetOne(meeting, many, results);
    const fill = this.#matching.fillLeft;
    if (fill !== undefined) this.#fillMany(meeting, fill, results);
    for (const [key, series] of results) {
      if (isAbsent(series)) continue;
      this.results.push(this.#drafts.get(key)?.finish() ?? series);
    }
    this.#drafts.clear();
  }

  /** Throws `PROMQL_EXECUTION` when another series of the one side is there already. */
  #own(meeting: Meeting, index: number): void {
    const series = meeting.ones[index] as Series;
    const owner = this.#owner;
    for (let k = 0; k < owner.length; k++) {
      if (series.present[k] === 0) continue;
      const before = meeting.ones[owner[k] as number];
      if (before) throw duplicate(this.#matching, meeting, before, series);
      owner[k] = index;
    }
  }

  /** One series of the many side against whoever is there on the one side, step by step. */
  #meetOne({ ones }: Meeting, many: Series, results: Map<string, Series>): void {
    const fill = this.#matching.fillRight;
    const oneToOne = this.#matching.card === 'one-to-one';
    const owner = this.#owner;
    const taken = this.#taken;
    const isMixed = this.#trims || many.histograms !== undefined || ones.some(({ histograms }) => histograms);
    // The result's labels depend on the partner; most series have the same partner at every step.
    let result: Series | undefined;
    let resultOf = -2;
    for (let k = 0; k < owner.length; k++) {
      if (many.present[k] === 0) continue;
      const partner = owner[k] as number;
      const one = ones[partner];
      if (!one && fill === undefined) continue;
      // Checked before filtering: whether a query is sound must not depend on the values it meets.
      if (oneToOne && taken[k] === 1) {
        throw executionError(
          'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
        );
      }
      taken[k] = 1;
      const value = isMixed
        ? this.#combineMixed(sampleAt(many, k), one ? sampleAt(one, k) : fill)
        : this.#combine(many.values[k] as number, one ? (one.values[k] as number) : (fill as number));
      if (value === undefined) continue;
      if (!result || resultOf !== partner) {
        result = this.#resultFor(many.labels, one?.labels ?? [], many.dropName, results);
        resultOf = partner;
      }
      this.#put(result, k, value);
    }
  }

  /** Steps at which only the one side is there; the other counts as `fill`, with the matched labels. */
  #fillMany({ ones, many, labels }: Meeting, fill: number, results: Map<string, Series>): void {
    for (let k = 0; k < this.#owner.length; k++) {
      const one = ones[this.#owner[k] as number];
      if (!one || many.some(({ present }) => present[k] === 1)) continue;
      const value =
        this.#trims || one.histograms !== undefined
          ? this.#combineMixed(fill, sampleAt(one, k))
          : this.#combine(fill, one.values[k] as number);
      if (value !== undefined) this.#put(this.#resultFor(labels, one.labels, false, results), k, value);
    }
  }

  #combine(many: number, one: number): number | undefined {
    const left = this.#swapped ? one : many;
    const right = this.#swapped ? many : one;
    const { of, keeps } = this.#combination;
    return keeps && !keeps(left, right) ? undefined : of(left, right);
  }

  #combineMixed(many: Sample, one: Sample): Sample {
    assert(many !== undefined && one !== undefined, 'both sides have a value');
    const left = this.#swapped ? one : many;
    const right = this.#swapped ? many : one;
    return combineMixed(this.#expr, this.#combination, left, right, this.#notes);
  }

  #put(result: Series, step: number, value: number | FloatHistogram): void {
    if (result.present[step] === 1) {
      throw executionError('multiple matches for labels: grouping labels must ensure unique matches');
    }
    if (typeof value !== 'number') {
      const key = seriesKey(result);
      let draft = this.#drafts.get(key);
      if (draft === undefined) {
        draft = new SeriesDraft(result);
        this.#drafts.set(key, draft);
      }
      draft.put(step, value);
      return;
    }
    result.values[step] = value;
    result.present[step] = 1;
  }

  #resultFor(many: Labels, one: Labels, dropName: boolean, results: Map<string, Series>): Series {
    const labels = this.#resultLabels(many, one);
    const drops = this.#delayed && (dropName || this.#bool);
    const key = seriesKey({ labels, dropName: drops });
    const known = results.get(key);
    if (known) return known;
    const series = emptySeries(labels, this.#grid.steps, drops);
    results.set(key, series);
    return series;
  }

  #resultLabels(many: Labels, one: Labels): Labels {
    const { on, card, include } = this.#matching;
    const { voidsName } = this.#combination;
    let labels = voidsName && !(this.#bool && this.#delayed) ? omitMetadata(many) : many;
    if (card === 'one-to-one' && (on || this.#names.size > 0)) {
      labels = on ? keepLabels(labels, this.#names) : omitLabels(labels, this.#names);
    }
    for (const name of include) labels = withLabel(labels, name, labelValue(one, name));
    return labels;
  }
}
