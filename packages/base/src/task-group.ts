// Children that stop together, with their errors kept.

/** Runs background loops; `close` aborts them all and waits. The first failure is handed to `onFailure` and kept. */
export class TaskGroup {
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #onFailure: (name: string, error: unknown) => void;

  constructor(onFailure: (name: string, error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Starts a child. It should end soon after the signal aborts; an error it throws after that is part of stopping. */
  spawn(name: string, run: (signal: AbortSignal) => Promise<void>): void {
    const child = run(this.#abort.signal)
      .catch((error: unknown) => {
        if (!this.#abort.signal.aborted) this.#onFailure(name, error);
      })
      .finally(() => this.#running.delete(child));
    this.#running.add(child);
  }

  /** Twice is fine. */
  async close(): Promise<void> {
    this.#abort.abort(new DOMException('stopping', 'AbortError'));
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
