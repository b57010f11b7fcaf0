import { TidemarkError } from '@tidemark/base';

// How many queries run at a time. The rest wait in order, no more than `waitingMax`, no longer than their own time.

export class Admission {
  readonly #running: { count: number } = { count: 0 };
  readonly #waiting: (() => void)[] = [];
  readonly #concurrency: number;
  readonly #waitingMax: number;

  constructor(concurrency: number, waitingMax: number) {
    this.#concurrency = concurrency;
    this.#waitingMax = waitingMax;
  }

  get running(): number {
    return this.#running.count;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs `work` when there is room. Throws `QUERY_OVERLOADED`, the signal's reason while waiting. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#running.count >= this.#concurrency) await this.#wait(signal);
    else this.#running.count++;
    try {
      return await work();
    } finally {
      // A waiting one takes the place over, so the count stays.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running.count--;
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) {
      throw new TidemarkError(
        'QUERY_OVERLOADED',
        `${this.#running.count} queries run and ${this.#waiting.length} wait, which is the limit; try again`,
        { running: this.#running.count, waiting: this.#waiting.length },
      );
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        const at = this.#waiting.indexOf(enter);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal.reason);
      };
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(enter);
    });
  }
}
