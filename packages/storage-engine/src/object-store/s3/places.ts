// Requests that may be under way, and the bytes they may have in memory, both together; others wait in order of asking.

interface Waiting {
  readonly bytes: number;
  readonly go: () => void;
  readonly stop: (reason: Error) => void;
}

export class Places {
  readonly #limits: { readonly requests: number; readonly bytes: number; readonly waiting: number };
  readonly #waiting: Waiting[] = [];
  #requests = 0;
  #bytes = 0;

  constructor(limits: { readonly requests: number; readonly bytes: number; readonly waiting: number }) {
    this.#limits = limits;
  }

  get underWay(): { readonly requests: number; readonly bytes: number; readonly waiting: number } {
    return { requests: this.#requests, bytes: this.#bytes, waiting: this.#waiting.length };
  }

  /** Undefined when too many wait already. Rejects as `stopWaiting` says. */
  take(bytes: number): Promise<Disposable> | undefined {
    if (this.#waiting.length === 0 && this.#fits(bytes)) return Promise.resolve(this.#enter(bytes));
    if (this.#waiting.length >= this.#limits.waiting) return undefined;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, go: () => resolve(this.#enter(bytes)), stop: reject });
    });
  }

  stopWaiting(reason: Error): void {
    for (const { stop } of this.#waiting.splice(0)) stop(reason);
  }

  /** What is larger than all bytes allowed goes when nothing else does. */
  #fits(bytes: number): boolean {
    const { requests, bytes: most } = this.#limits;
    return this.#requests === 0 || (this.#requests < requests && this.#bytes + bytes <= most);
  }

  #enter(bytes: number): Disposable {
    this.#requests++;
    this.#bytes += bytes;
    let inside = true;
    return {
      [Symbol.dispose]: () => {
        if (!inside) return;
        inside = false;
        this.#requests--;
        this.#bytes -= bytes;
        while (this.#waiting[0] !== undefined && this.#fits(this.#waiting[0].bytes)) this.#waiting.shift()?.go();
      },
    };
  }
}
