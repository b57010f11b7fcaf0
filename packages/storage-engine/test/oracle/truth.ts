// What was told, in plain words, and what must be answered. No product code here.

export interface Point {
  readonly host: string;
  readonly timeMs: number;
  readonly value: number;
}

export type Told =
  | { readonly kind: 'points'; readonly points: readonly Point[]; readonly trace?: string; readonly help?: string }
  | { readonly kind: 'delete'; readonly host: string; readonly startMs: number; readonly endMs: number };

/** What was said of each `host time` since it was deleted last, if it was; the last of it is what stands. */
export function standing(log: readonly Told[]): Map<string, readonly number[]> {
  const stands = new Map<string, number[]>();
  for (const told of log) {
    if (told.kind === 'points') {
      for (const { host, timeMs, value } of told.points) {
        const key = `${host} ${timeMs}`;
        stands.set(key, [...(stands.get(key) ?? []), value]);
      }
      continue;
    }
    for (const key of [...stands.keys()]) {
      const [host, time] = key.split(' ') as [string, string];
      if (host === told.host && Number(time) >= told.startMs && Number(time) <= told.endMs) stands.delete(key);
    }
  }
  return stands;
}

export function traces(log: readonly Told[]): string[] {
  return log.flatMap((told) => (told.kind === 'points' && told.trace !== undefined ? [told.trace] : []));
}

export interface Answer {
  readonly points: ReadonlyMap<string, number>;
  readonly warnings: readonly string[];
}

/**
 * `whole`: all of it, and no warning. With a warning: `warned`, all of it; `gap`, some of it; `outdated`, of something what was said of it
 * before, because what was said last is what is damaged.
 */
export type Verdict = 'whole' | 'warned' | 'gap' | 'outdated';
export const VERDICTS: readonly Verdict[] = ['whole', 'warned', 'gap', 'outdated'];

/** Throws where it lies: something else, what was deleted, or less than there is without a word. */
export function judge({ points, warnings }: Answer, wanted: ReadonlyMap<string, readonly number[]>): Verdict {
  let outdated = 0;
  for (const [key, value] of points) {
    const said = wanted.get(key) ?? [];
    if (said.at(-1) === value) continue;
    const is = said.length === 0 ? 'is not there' : `is ${said.at(-1)}`;
    if (!said.includes(value) || warnings.length === 0) throw new Error(`${key} is answered as ${value}, and ${is}`);
    outdated++;
  }
  if (outdated > 0) return 'outdated';
  if (points.size === wanted.size) return warnings.length === 0 ? 'whole' : 'warned';
  const missing = [...wanted.keys()].filter((key) => !points.has(key));
  if (warnings.length === 0)
    throw new Error(`${missing.length} points are missing, and nothing says so: ${missing[0]}`);
  return 'gap';
}
