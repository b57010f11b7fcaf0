// One at a time, in order of asking.

export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `work` after all earlier work ended, whether that failed or not. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work, work);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
