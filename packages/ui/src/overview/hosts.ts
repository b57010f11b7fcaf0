import type { Labels } from '../api/types.ts';

/** The distinct `instance` values, sorted. */
export function hostsOf(series: readonly Labels[]): string[] {
  const names = series.map((labels) => labels['instance']).filter((name) => name !== undefined && name !== '');
  return [...new Set(names as string[])].sort();
}

/** The host to show: the one asked for as long as it is known or none is, else the first. */
export function chosenHost(hosts: readonly string[], asked: string | null): string | undefined {
  if (asked !== null && (hosts.length === 0 || hosts.includes(asked))) return asked;
  return hosts[0];
}
