import { labelValue, type Matcher, type SeriesSource } from '@tidemark/model';
import { START_MS } from './world.ts';

// What an engine answers as a set of points, and whether it is the one that was told.

/** Values by `host time`, of all series that match. Throws where an answer warns. */
export async function answeredPoints(source: SeriesSource, matchers: readonly Matcher[]): Promise<Map<string, number>> {
  const { series, warnings } = await source.select({
    tenant: 'default',
    matchers,
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax: 1000, samplesMax: 1e6 },
    signal: new AbortController().signal,
  });
  if (warnings.length > 0) throw new Error(`warnings: ${warnings.join('; ')}`);
  const points = new Map<string, number>();
  for (const { labels, timestampsMs, values } of series) {
    for (const [i, time] of timestampsMs.entries())
      points.set(`${labelValue(labels, 'host')} ${time}`, values[i] as number);
  }
  return points;
}

/** The first point that differs, for people. */
export function difference(
  found: ReadonlyMap<string, number>,
  wanted: ReadonlyMap<string, number>,
): string | undefined {
  for (const [key, value] of wanted) if (found.get(key) !== value) return `${key} is ${found.get(key)}, not ${value}`;
  for (const key of found.keys()) if (!wanted.has(key)) return `${key} is there, and should not be`;
  return undefined;
}
