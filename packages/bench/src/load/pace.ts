import { systemClock } from '@tidemark/base';

// The time in which a load happens: rounds are due at their own timestamps, `rate` times as fast as the machine's time runs.
//
//   machine   T0 ──────── an hour at rate 10 takes six minutes ────────▶
//   load      start ─────────────────────────────────────────────▶ end      end: where a two-hour window ends
//
// Tidemark's clock runs along (`testing.clockRate`), so its windows, checkpoints and seals come as often per sample as they
// do in life.

const WINDOW_MS = 2 * 3_600_000;

export interface Pace {
  readonly rate: number;
  /** When both clocks agree, unix ms; for `testing.clockOrigin`. */
  readonly originMs: number;
  /** Time of the first and past the last round, unix ms. */
  readonly startMs: number;
  readonly endMs: number;
  nowMs(): number;
  /** Waits until the load's time is there. Returns how far behind it is, ms of the load's time. */
  until(ms: number): Promise<number>;
  sleep(ms: number): Promise<void>;
}

/** Begins in `leadMs` of the machine's time: as long as systems take to start. */
export function paceOf(options: { rounds: number; intervalMs: number; rate: number; leadMs: number }): Pace {
  const { rounds, intervalMs, rate, leadMs } = options;
  const endMs = Math.floor(systemClock.nowMs() / WINDOW_MS) * WINDOW_MS;
  const startMs = endMs - rounds * intervalMs;
  const beginMs = systemClock.nowMs() + leadMs;
  const originMs = Math.round((rate * beginMs - startMs) / (rate - 1));
  const nowMs = () => originMs + (systemClock.nowMs() - originMs) * rate;
  const sleep = (ms: number) => systemClock.sleep(ms / rate);
  return {
    rate,
    originMs,
    startMs,
    endMs,
    nowMs,
    sleep,
    async until(ms) {
      const early = ms - nowMs();
      if (early <= 0) return -early;
      await sleep(early);
      return 0;
    },
  };
}
