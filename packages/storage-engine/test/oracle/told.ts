// What was told, in plain words, and what must be answered: the last that was said of each (series, time), unless it was deleted since.
// No product code here.

export interface Point {
  readonly host: string;
  readonly timeMs: number;
  readonly value: number;
}

export type Told =
  | { readonly kind: 'points'; readonly points: readonly Point[] }
  | { readonly kind: 'delete'; readonly host: string; readonly startMs: number; readonly endMs: number };

/** `host time` and the value, of what a log says up to its end. */
export function expected(log: readonly Told[]): Map<string, number> {
  const stands = new Map<string, number>();
  for (const told of log) {
    if (told.kind === 'points')
      for (const { host, timeMs, value } of told.points) stands.set(`${host} ${timeMs}`, value);
    else {
      for (const key of [...stands.keys()]) {
        const [host, time] = key.split(' ') as [string, string];
        if (host === told.host && Number(time) >= told.startMs && Number(time) <= told.endMs) stands.delete(key);
      }
    }
  }
  return stands;
}
