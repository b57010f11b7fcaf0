// The only room that asks the machine what time it is.

/** Wall and monotonic time, and waiting. All times are milliseconds; wall time counts from the Unix epoch. */
export interface Clock {
  /** Wall time, whole milliseconds. May jump. */
  nowMs(): number;
  /** Never goes back; fractional; only differences mean anything. Always the machine's own speed: for measuring work. */
  monotonicMs(): number;
  /** Resolves after `ms` of this clock's wall time; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `tick` once after `ms` of this clock's wall time. Does not keep the process alive. Returns the way to cancel it. */
  after(ms: number, tick: () => void): () => void;
}

function sleepOn(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
  after(ms, tick) {
    // 2^31-1: setTimeout fires at once above it.
    const timer = setTimeout(tick, Math.min(Math.max(ms, 0), 0x7fff_ffff));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Wall time that runs `rate` times as fast as `base`'s, counted from `originMs`: the same origin gives the same time again
 * after a restart. For whole-process tests that need windows to close (`testing.clockRate`); monotonic time keeps the
 * machine's speed.
 */
export function acceleratedClock(rate: number, originMs: number, base: Clock = systemClock): Clock {
  const clock: Clock = {
    nowMs: () => Math.floor(originMs + (base.nowMs() - originMs) * rate),
    monotonicMs: () => base.monotonicMs(),
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
    after: (ms, tick) => base.after(ms / rate, tick),
  };
  return clock;
}

/** Time under a test's hand: nothing moves until `advance`. */
export class SimClock implements Clock {
  #nowMs: number;
  #sequence = 0;
  readonly #timers = new Map<number, { atMs: number; tick: () => void }>();

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return Math.floor(this.#nowMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  after(ms: number, tick: () => void): () => void {
    const id = this.#sequence++;
    this.#timers.set(id, { atMs: this.#nowMs + Math.max(0, ms), tick });
    return () => this.#timers.delete(id);
  }

  /** Moves time forward, firing due timers in order of their time, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      let dueId = -1;
      let dueAtMs = Number.POSITIVE_INFINITY;
      for (const [id, timer] of this.#timers) {
        if (timer.atMs <= endMs && timer.atMs < dueAtMs) {
          dueId = id;
          dueAtMs = timer.atMs;
        }
      }
      const due = this.#timers.get(dueId);
      if (!due) break;
      this.#timers.delete(dueId);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.tick();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }
}

/** Lets pending promise reactions and I/O callbacks run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
