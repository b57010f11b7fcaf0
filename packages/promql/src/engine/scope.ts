import { must } from '@tidemark/base';
import type { SelectedSeries } from '@tidemark/model';
import type { Aggregate, Subquery, VectorSelector } from '../language/ast.ts';
import type { Plan } from '../plan/plan.ts';
import type { Annotations } from '../value/annotations.ts';
import { compareLabels } from '../value/label-set.ts';
import type { SpanSeries } from '../value/spans.ts';
import type { Grid, Series } from '../value/value.ts';
import type { Meter } from './limits.ts';
import type { Points } from './points.ts';

/** Everything one query carries with it. */
export interface Scope {
  readonly plan: Plan;
  /** The grid of the whole query; subqueries have their own. */
  readonly query: Grid;
  /** In the source's order; `sortedSeries` has them by their labels. */
  readonly selected: ReadonlyMap<VectorSelector, readonly SelectedSeries[]>;
  readonly sorted: Map<readonly SelectedSeries[], readonly SelectedSeries[]>;
  /** Series that came as spans, of the selectors that rows answer; in `selected` are the others, those with native histograms. */
  readonly spans: ReadonlyMap<VectorSelector, readonly SpanSeries[]>;
  /** Aggregations that were made while their series were read; `selected` does not have those. */
  readonly fused: ReadonlyMap<Aggregate, readonly Series[]>;
  /** Whether every value so far is what samples would give; see value/spans.ts. */
  readonly accuracy: { exact: boolean };
  /** Points without stale markers, made when a range first asks for them. */
  readonly points: Map<VectorSelector | Subquery, readonly Points[]>;
  readonly meter: Meter;
  readonly notes: Annotations;
  /** Names go at the end of the query instead of at the operation that voids them. */
  readonly delayedNames: boolean;
}

/** The series of a selector by their labels. Sorted at first need: sums and counts of all of them need no order. */
export function sortedSeries(scope: Scope, selector: VectorSelector): readonly SelectedSeries[] {
  const series = must(scope.selected.get(selector), 'the selector was selected');
  let sorted = scope.sorted.get(series);
  if (sorted === undefined) {
    sorted = [...series].sort((a, b) => compareLabels(a.labels, b.labels));
    scope.sorted.set(series, sorted);
  }
  return sorted;
}
