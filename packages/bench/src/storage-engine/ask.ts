import { type Matcher, matcher } from '@tidemark/model';
import type { StorageEngine } from '@tidemark/storage-engine';
import { TENANT } from './world.ts';

export interface Asked {
  readonly matchers: readonly Matcher[];
  readonly startMs: number;
  readonly endMs: number;
}

export interface Answered {
  readonly series: number;
  readonly samples: number;
  /** Of all values, so that none of them goes unread. */
  readonly sum: number;
}

/** Series are handed out one by one, as a query that aggregates takes them. Throws on a warning: figures are of whole answers. */
export async function ask(engine: StorageEngine, { matchers, startMs, endMs }: Asked): Promise<Answered> {
  let series = 0;
  let samples = 0;
  let sum = 0;
  const { warnings } = await engine.source().select({
    tenant: TENANT,
    matchers,
    range: { startMs, endMs },
    limits: { seriesMax: 1e8, samplesMax: 1e12 },
    signal: new AbortController().signal,
    each: ({ values }) => {
      series++;
      samples += values.length;
      sum += values[values.length - 1] as number;
      return undefined;
    },
  });
  if (warnings.length > 0) throw new Error(warnings.join('; '));
  return { series, samples, sum };
}

/** Everything a fleet has. */
export const EVERYTHING: readonly Matcher[] = [matcher('=', 'job', 'node')];

/** One series of a fleet, by two matchers of which neither is of one series alone. */
export function oneSeries(host: number): readonly Matcher[] {
  const instance = `node-${String(host).padStart(5, '0')}.example:9100`;
  return [matcher('=', '__name__', 'node_load1'), matcher('=', 'instance', instance)];
}
