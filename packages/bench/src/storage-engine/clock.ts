import type { Clock } from '@tidemark/base';

/** Simulated time that a row moves by hand: an hour of scrapes takes as long as storing them. */
export class HandClock implements Clock {
  #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  moveTo(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(): Promise<void> {
    return Promise.resolve();
  }

  after(): () => void {
    return () => undefined;
  }
}
