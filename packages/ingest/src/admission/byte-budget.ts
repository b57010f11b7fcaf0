import { assert } from '@tidemark/base';

// Bytes that may be held at once for one purpose. Who does not get them must say no to somebody.

export class ByteBudget {
  /** May change; what is held stays held. */
  limit: number;
  #held = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get held(): number {
    return this.#held;
  }

  /** Takes `bytes` if they fit. One taker larger than the whole limit is let in when nothing else is held. */
  tryTake(bytes: number): boolean {
    if (this.#held > 0 && this.#held + bytes > this.limit) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    assert(bytes <= this.#held, 'only bytes that were taken are given back');
    this.#held -= bytes;
  }
}
