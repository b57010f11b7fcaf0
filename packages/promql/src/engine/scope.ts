import type { SelectedSeries } from '@tidemark/model';
import type { Subquery, VectorSelector } from '../language/ast.ts';
import type { Plan } from '../plan/plan.ts';
import type { Annotations } from '../value/annotations.ts';
import type { SpanSeries } from '../value/spans.ts';
import type { Grid } from '../value/value.ts';
import type { Meter } from './limits.ts';
import type { Points } from './points.ts';

/** Everything one query carries with it. */
export interface Scope {
  readonly plan: Plan;
  /** The grid of the whole query; subqueries have their own. */
  readonly query: Grid;
  readonly selected: ReadonlyMap<VectorSelector, readonly SelectedSeries[]>;
  /** Series that came as spans, of the selectors that rows answer; the others are in `selected`. */
  readonly spans: ReadonlyMap<VectorSelector, readonly SpanSeries[]>;
  /** Whether every value so far is what samples would give; see value/spans.ts. */
  readonly accuracy: { exact: boolean };
  /** Points without stale markers, made when a range first asks for them. */
  readonly points: Map<VectorSelector | Subquery, readonly Points[]>;
  readonly meter: Meter;
  readonly notes: Annotations;
  /** Names go at the end of the query instead of at the operation that voids them. */
  readonly delayedNames: boolean;
}
