import { isTidemarkError, messageOf } from '@tidemark/base';
import { formatDuration, type Labels, labelsOf, parseDuration, relabel } from '@tidemark/model';
import type { TargetGroup } from '../discovery/group.ts';
import type { ScrapeConfig } from './config.ts';

// From a discovered address to something to scrape.
//
//   address + group's labels + job, __scheme__, __metrics_path__, __param_*, ...     discovered labels, for people
//        | relabel_configs                                                            may drop it, may change every one
//        v
//   URL from __scheme__, __address__, __metrics_path__, __param_*; labels without the `__` ones; instance if none was set

export interface Target {
  /** Two targets of a pool with the same key are the same. */
  readonly key: string;
  readonly url: string;
  /** What every series of it carries. */
  readonly labels: Labels;
  readonly discoveredLabels: Labels;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export type TargetOutcome =
  | { readonly kind: 'target'; readonly target: Target }
  | { readonly kind: 'dropped'; readonly discoveredLabels: Labels }
  | { readonly kind: 'wrong'; readonly discoveredLabels: Labels; readonly reason: string };

const INTERVAL_MS_MIN = 1000;

export function targetsOf(config: ScrapeConfig, group: TargetGroup): readonly TargetOutcome[] {
  return group.addresses.map((address) => targetOf(config, group, address));
}

function targetOf(config: ScrapeConfig, group: TargetGroup, address: string): TargetOutcome {
  const labels = new Map([...defaultsOf(config), ...group.labels, ['__address__', address] as const]);
  const discoveredLabels = sorted(labels);
  if (!relabel(labels, config.relabelRules)) return { kind: 'dropped', discoveredLabels };
  try {
    return { kind: 'target', target: finished(config, labels, discoveredLabels) };
  } catch (error) {
    if (!isTidemarkError(error) && !(error instanceof TargetProblem)) throw error;
    return { kind: 'wrong', discoveredLabels, reason: messageOf(error) };
  }
}

function defaultsOf(config: ScrapeConfig): Map<string, string> {
  const labels = new Map([
    ['job', config.jobName],
    ['__scrape_interval__', formatDuration(config.scrapeIntervalMs)],
    ['__scrape_timeout__', formatDuration(config.scrapeTimeoutMs)],
    ['__metrics_path__', config.metricsPath],
    ['__scheme__', config.scheme],
  ]);
  for (const [name, values] of config.params) if (values[0]) labels.set(`__param_${name}`, values[0]);
  return labels;
}

class TargetProblem extends Error {}

function finished(config: ScrapeConfig, labels: Map<string, string>, discoveredLabels: Labels): Target {
  const get = (name: string) => labels.get(name) ?? '';
  const address = get('__address__');
  if (address === '') throw new TargetProblem('the target has no address: __address__ is empty');
  const intervalMs = parseDuration(get('__scrape_interval__'));
  const timeoutMs = parseDuration(get('__scrape_timeout__'));
  if (intervalMs < INTERVAL_MS_MIN) throw new TargetProblem('__scrape_interval__ must be 1s or longer');
  if (timeoutMs === 0 || timeoutMs > intervalMs) {
    throw new TargetProblem('__scrape_timeout__ must be longer than 0 and not longer than __scrape_interval__');
  }
  const url = urlOf(config, get('__scheme__'), address, get('__metrics_path__'), labels);
  const own = new Map([...labels].filter(([name]) => !name.startsWith('__')));
  if (!own.has('instance')) own.set('instance', address);
  const kept = sorted(own);
  return {
    key: JSON.stringify([url, kept, intervalMs, timeoutMs]),
    url,
    labels: kept,
    discoveredLabels,
    intervalMs,
    timeoutMs,
  };
}

function urlOf(
  config: ScrapeConfig,
  scheme: string,
  address: string,
  path: string,
  labels: ReadonlyMap<string, string>,
): string {
  if (scheme !== 'http' && scheme !== 'https')
    throw new TargetProblem(`${JSON.stringify(scheme)} is no scheme to scrape by`);
  if (address.includes('/')) throw new TargetProblem(`${JSON.stringify(address)} is no address: it has a path`);
  const text = `${scheme}://${address}${path.startsWith('/') ? '' : '/'}${path}`;
  if (!URL.canParse(text)) throw new TargetProblem(`${JSON.stringify(text)} is no URL`);
  const url = new URL(text);
  const params = new Map([...config.params].map(([name, values]) => [name, [...values]] as const));
  for (const [name, value] of labels) {
    if (!name.startsWith('__param_')) continue;
    const param = name.slice('__param_'.length);
    // Relabelling changes a parameter's first value; the others stay.
    params.set(param, [value, ...(params.get(param) ?? []).slice(1)]);
  }
  for (const [name, values] of params) for (const value of values) url.searchParams.append(name, value);
  return url.href;
}

function sorted(labels: ReadonlyMap<string, string>): Labels {
  return labelsOf([...labels].map(([name, value]) => ({ name, value })));
}
