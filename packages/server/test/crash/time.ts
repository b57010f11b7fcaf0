import { originFor } from '../fast-clock.ts';

// The time in which a crash test happens: the server's wall clock runs ten times as fast, from an origin that survives its
// restarts, and the test begins three minutes before an hour ends, so that minutes and one hour close.

export const RATE = 10;
const HOUR_MS = 3_600_000;
const BEFORE_THE_HOUR_MS = 3 * 60_000;

export interface FastTime {
  readonly startMs: number;
  /** For `testing.clockOrigin`. */
  readonly originMs: number;
  now(): number;
  /** Resolves when so much of it has passed since the start. */
  passed(ms: number): Promise<void>;
}

export function fastTime(): FastTime {
  const beginMs = Date.now();
  const startMs = Math.floor(beginMs / HOUR_MS) * HOUR_MS - BEFORE_THE_HOUR_MS;
  const originMs = originFor(RATE, startMs, beginMs);
  const now = () => Math.floor(originMs + (Date.now() - originMs) * RATE);
  return {
    startMs,
    originMs,
    now,
    passed: (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(0, (startMs + ms - now()) / RATE))),
  };
}
