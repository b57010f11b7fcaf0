// A wall clock that runs fast and begins at the same time of the day whenever a test is run: which windows are over when is then
// the test's doing, and not the hour's.

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** `testing.clockOrigin` for a clock that says `startMs` now and runs `rate` times as fast: where it and the true one agree. */
export function originFor(rate: number, startMs: number, nowMs: number = Date.now()): number {
  return Math.round((rate * nowMs - startMs) / (rate - 1));
}

/**
 * Settings of a server whose clock says ten minutes past an even hour (UTC) now: a window of raw samples, which is two hours,
 * is young. At most two hours ahead of the machine.
 */
export function fastClock(rate: number): Record<string, string> {
  const startMs = Math.ceil(Date.now() / (2 * HOUR_MS)) * 2 * HOUR_MS + 10 * MINUTE_MS;
  return {
    TIDEMARK_TESTING_CLOCK_RATE: String(rate),
    TIDEMARK_TESTING_CLOCK_ORIGIN: String(originFor(rate, startMs)),
  };
}
