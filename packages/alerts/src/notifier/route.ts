import { type Labels, labelsOf, labelValue } from '@tidemark/model';
import type { NoticeGroup } from '../receiver/receiver.ts';
import { escaped } from './config/matcher-text.ts';
import type { RouteSpec } from './config/plan.ts';

// Which routes an alert takes, and which group it is in there.
//
//   depth first: a route that matches hands the alert to its children; the first child that takes it ends the search among
//   its siblings, unless it says `continue`; when no child takes it the route keeps it

/** Never empty for a root, which matches everything. */
export function routesOf(route: RouteSpec, labels: Labels): readonly RouteSpec[] {
  if (!route.matchers.every((one) => one.matches(labelValue(labels, one.name)))) return [];
  const taken: RouteSpec[] = [];
  for (const child of route.routes) {
    const found = routesOf(child, labels);
    taken.push(...found);
    if (found.length > 0 && !child.continues) break;
  }
  return taken.length === 0 ? [route] : taken;
}

export function groupOf(route: RouteSpec, tenant: string, labels: Labels): NoticeGroup {
  const groupLabels = route.groupsByAll
    ? labels
    : labelsOf(route.groupBy.map((name) => ({ name, value: labelValue(labels, name) })));
  const text = groupLabels.map(({ name, value }) => `${name}="${escaped(value)}"`).join(', ');
  return { tenant, groupLabels, groupKey: `${route.key}:{${text}}` };
}

/** Every route of the tree, the root first. */
export function everyRoute(route: RouteSpec): readonly RouteSpec[] {
  return [route, ...route.routes.flatMap(everyRoute)];
}
