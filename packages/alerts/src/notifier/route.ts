import { type Labels, labelsOf, labelValue } from '@tidemark/model';
import type { NoticeGroup } from '../receiver/receiver.ts';

// Which alerts are told together, and when. One route so far: every alert goes to every receiver.

export interface RouteSpec {
  /** Labels by which alerts are grouped; `...` alone: by all of them, each alert by itself. */
  readonly groupBy: readonly string[];
  /** How long the first notice of a group waits for more alerts. */
  readonly groupWaitMs: number;
  /** How long between notices of a group. */
  readonly groupIntervalMs: number;
  /** After how long the same is told again. */
  readonly repeatIntervalMs: number;
}

export const DEFAULT_ROUTE: RouteSpec = {
  groupBy: ['alertname'],
  groupWaitMs: 5000,
  groupIntervalMs: 30_000,
  repeatIntervalMs: 4 * 3_600_000,
};

export function groupOf(route: RouteSpec, tenant: string, labels: Labels): NoticeGroup {
  const byAll = route.groupBy.length === 1 && route.groupBy[0] === '...';
  const groupLabels = byAll
    ? labels
    : labelsOf(route.groupBy.map((name) => ({ name, value: labelValue(labels, name) })));
  const text = groupLabels.map(({ name, value }) => `${name}=${JSON.stringify(value)}`).join(', ');
  // `{}` is the route: the root one, which matches everything.
  return { tenant, groupLabels, groupKey: `{}:{${text}}` };
}
