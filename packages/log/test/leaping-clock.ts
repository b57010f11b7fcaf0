import { type Clock, systemClock } from '@tidemark/base';

/** Real time that can be made to leap: for a client whose brokers keep to the machine's clock. */
export class LeapingClock implements Clock {
  #leaptMs = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();

  nowMs(): number {
    return systemClock.nowMs() + this.#leaptMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#leaptMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  after(ms: number, tick: () => void): () => void {
    const cancel = () => {
      this.#timers.delete(timer);
      cancelReal();
    };
    const fire = () => {
      cancel();
      tick();
    };
    const timer = { atMs: this.monotonicMs() + ms, fire };
    const cancelReal = systemClock.after(ms, fire);
    this.#timers.add(timer);
    return cancel;
  }

  /** What became due fires in the order of its time. */
  leap(ms: number): void {
    this.#leaptMs += ms;
    const now = this.monotonicMs();
    const due = [...this.#timers].filter(({ atMs }) => atMs <= now).sort((a, b) => a.atMs - b.atMs);
    for (const timer of due) if (this.#timers.has(timer)) timer.fire();
  }
}
