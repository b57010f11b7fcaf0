import type { Labels } from '../api/types.ts';

// What a legend calls its series. Spelled out in full, fifty series of one metric differ in a word at the end of a line too
// long to read; so the name says only what differs and the full spelling is kept for the tooltip.

/** `name{a="1", b="2"}`, as PromQL writes it; `{}` for a series without labels. */
export function fullName(metric: Labels): string {
  const { __name__: name = '', ...labels } = metric;
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  if (pairs.length === 0) return name === '' ? '{}' : name;
  return `${name}{${pairs.join(', ')}}`;
}

/** Label names whose value is not the same in every one of `metrics`. */
export function differingLabels(metrics: readonly Labels[]): string[] {
  const names = new Set(metrics.flatMap((metric) => Object.keys(metric)));
  return [...names].filter((name) => metrics.some((metric) => metric[name] !== metrics[0]?.[name])).sort();
}

/** One name per series, short and distinct: a lone series by its full name, several by what tells them apart. */
export function shortNames(metrics: readonly Labels[]): string[] {
  const differing = differingLabels(metrics);
  if (metrics.length < 2 || differing.length === 0) return metrics.map(fullName);
  if (differing.length === 1) {
    const only = differing[0] as string;
    return metrics.map((metric) => metric[only] ?? 'none');
  }
  return metrics.map((metric) =>
    fullName(Object.fromEntries(Object.entries(metric).filter(([name]) => differing.includes(name)))),
  );
}
