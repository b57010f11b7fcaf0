// What the rows of a series must be, computed the plain way. No product code here.

export interface OracleRow {
  readonly end: number;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly first: number;
  readonly firstTime: number;
  readonly last: number;
  readonly lastTime: number;
  readonly increase: number;
}

const MINUTE_MS = 60_000;

/** Windows are `(end - lengthMs, end]`. Requires one sample a time; finite values whose sums are exact. */
export function rowsOf(
  samples: readonly { readonly timestampMs: number; readonly value: number }[],
  lengthMs = MINUTE_MS,
): OracleRow[] {
  const windows = new Map<number, { timestampMs: number; value: number }[]>();
  for (const sample of samples) {
    const end = Math.ceil(sample.timestampMs / lengthMs) * lengthMs;
    windows.set(end, [...(windows.get(end) ?? []), sample]);
  }
  return [...windows]
    .sort(([a], [b]) => a - b)
    .map(([end, points]) => {
      const inOrder = points.sort((a, b) => a.timestampMs - b.timestampMs);
      const values = inOrder.map((point) => point.value);
      const first = inOrder[0] as { timestampMs: number; value: number };
      const last = inOrder[inOrder.length - 1] as { timestampMs: number; value: number };
      let increase = 0;
      for (let i = 1; i < values.length; i++) {
        const [before, now] = [values[i - 1] as number, values[i] as number];
        increase += now < before ? now : now - before;
      }
      return {
        end: end / 1000,
        count: values.length,
        sum: values.reduce((sum, value) => sum + value, 0),
        min: Math.min(...values),
        max: Math.max(...values),
        first: first.value,
        firstTime: first.timestampMs / 1000,
        last: last.value,
        lastTime: last.timestampMs / 1000,
        increase,
      };
    });
}
