// Stored ranges and library windows are `[start, end)`; PromQL ranges and rollup rows are `(start, end]`. Times are whole
// milliseconds since the Unix epoch, so `(a, b]` is `[a + 1, b + 1)`.

/** `[startMs, endMs)`. */
export interface TimeRange {
  readonly startMs: number;
  readonly endMs: number;
}

/** `(afterMs, untilMs]`, PromQL's kind, as a stored range. */
export function leftOpen(afterMs: number, untilMs: number): TimeRange {
  return { startMs: afterMs + 1, endMs: untilMs + 1 };
}

export function overlaps(a: TimeRange, b: TimeRange): boolean {
  return a.startMs < b.endMs && b.startMs < a.endMs;
}

/** What a sample's time may be: later than now by at most `futureMs`, younger than raw retention. Anything else is refused. */
export const TIME_POLICY = { futureMs: 10 * 60_000, rawRetentionMs: 7 * 86_400_000, graceMs: 5 * 60_000 } as const;
