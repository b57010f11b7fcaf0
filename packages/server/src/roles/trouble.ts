import { type Clock, type Logger, messageOf } from '@tidemark/base';

// A trouble that lasts is said when it begins, once a minute while it lasts, and when it is over: a full disk fails every
// second, and the log lines about it must not be what fills the next one.

const REPEAT_MS = 60_000;
// Longer than it takes to fail once more.
const QUIET_MS = 60_000;

export class Trouble {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #what: string;
  #failures = 0;
  #saidAtMs = 0;
  #failedAtMs = 0;

  /** `what` cannot be done: "checkpoint or seal". */
  constructor(clock: Clock, logger: Logger, what: string) {
    this.#clock = clock;
    this.#logger = logger;
    this.#what = what;
  }

  failed(error: unknown): void {
    this.#failures++;
    const nowMs = this.#clock.monotonicMs();
    this.#failedAtMs = nowMs;
    if (this.#failures > 1 && nowMs - this.#saidAtMs < REPEAT_MS) return;
    this.#saidAtMs = nowMs;
    this.#logger.error(`cannot ${this.#what}; trying again`, { failures: this.#failures, error: messageOf(error) });
  }

  succeeded(): void {
    if (this.#failures > 0) this.#logger.info(`can ${this.#what} again`, { failures: this.#failures });
    this.#failures = 0;
  }

  /** It did not fail, which does not say that it can be done: nothing was there, or part of it works. Over once that lasts. */
  didNotFail(): void {
    if (this.#clock.monotonicMs() - this.#failedAtMs >= QUIET_MS) this.succeeded();
  }
}
