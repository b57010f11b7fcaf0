import type { Clock } from '@tidemark/base';

// Who takes records next when more wait than can be taken: critical ones, but not for ever.
//
//   critical   |turn|turn| .. |turn|       |turn|turn|  nothing left
//   the rest         waits         |turn|        waits  |turn|turn|turn ...
//                     turnsMax or patienceMs
//
// A turn is one fetch, or as much of it as takes 50 ms. So much of the rest gets through as one turn in `turnsMax + 1`, however much
// is critical; and where critical records cannot be had (their broker is away), the rest waits no longer than `patienceMs` for
// each turn.

export interface PrecedenceOptions {
  /** Turns that critical records have while the rest waits for one. */
  readonly turnsMax: number;
  /** Longest that the rest waits for the next critical turn. */
  readonly patienceMs: number;
}

export const DEFAULT_PRECEDENCE: PrecedenceOptions = {
  turnsMax: 8,
  // A fetch from a log that answers takes some milliseconds, over a network too.
  patienceMs: 200,
};

export class Precedence {
  readonly #clock: Clock;
  readonly #options: PrecedenceOptions;
  /** Until the first look nobody knows whether there are any. */
  #isWaiting = true;
  #turns = 0;
  #look: () => void = () => undefined;

  constructor(clock: Clock, options: PrecedenceOptions = DEFAULT_PRECEDENCE) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Critical records were taken, and there may be more. */
  taken(): void {
    this.#isWaiting = true;
    this.#turns++;
    this.#look();
  }

  /** No critical record waits. */
  nothingLeft(): void {
    this.#isWaiting = false;
    this.#look();
  }

  /** Resolves when the rest may have a turn. Throws the signal's reason. */
  async turn(signal: AbortSignal): Promise<void> {
    while (this.#isWaiting && this.#turns < this.#options.turnsMax) {
      signal.throwIfAborted();
      if (!(await this.#next(signal))) break;
    }
    this.#turns = 0;
  }

  /** False when nothing happened for too long. */
  #next(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (happened: boolean) => {
        this.#look = () => undefined;
        cancel();
        signal.removeEventListener('abort', aborted);
        resolve(happened);
      };
      const aborted = () => done(true);
      const cancel = this.#clock.after(this.#options.patienceMs, () => done(false));
      signal.addEventListener('abort', aborted, { once: true });
      this.#look = () => done(true);
    });
  }
}
