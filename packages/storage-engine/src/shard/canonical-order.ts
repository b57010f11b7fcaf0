import type { SeriesRegistry, TenantSeries } from '../series/registry.ts';

// The order of series in a segment: tenant by tenant, metric by metric, then by the bytes of their labels, whatever order they came
// in. A metric at a time, so that most comparisons are of labels alone.

/** Puts series into their order in segments. */
export function canonicalOrder(registry: SeriesRegistry, refs: Iterable<number>): Uint32Array {
  const groups = groupByMetric(registry, refs);
  groups.sort((a, b) => compareTenants(a.tenant, b.tenant) || Buffer.compare(a.metric, b.metric));
  const ordered = new Uint32Array(groups.reduce((sum, group) => sum + group.refs.length, 0));
  let at = 0;
  for (const group of groups) {
    ordered.set(
      group.refs.sort((a, b) => registry.compareLabels(a, b)),
      at,
    );
    at += group.refs.length;
  }
  return ordered;
}

interface MetricGroup {
  readonly tenant: TenantSeries;
  readonly metric: Buffer;
  readonly refs: number[];
}

function groupByMetric(registry: SeriesRegistry, refs: Iterable<number>): MetricGroup[] {
  const groups: MetricGroup[] = [];
  const byTenant = new Map<TenantSeries, Map<number, MetricGroup>>();
  for (const ref of refs) {
    const tenant = registry.tenantOf(ref);
    let metrics = byTenant.get(tenant);
    if (metrics === undefined) {
      metrics = new Map();
      byTenant.set(tenant, metrics);
    }
    const number = registry.metricOf(ref);
    let group = metrics.get(number);
    if (group === undefined) {
      group = { tenant, metric: Buffer.from(tenant.labelValue(ref, '__name__')), refs: [] };
      metrics.set(number, group);
      groups.push(group);
    }
    group.refs.push(ref);
  }
  return groups;
}

function compareTenants(a: TenantSeries, b: TenantSeries): number {
  if (a === b) return 0;
  return a.name < b.name ? -1 : 1;
}
