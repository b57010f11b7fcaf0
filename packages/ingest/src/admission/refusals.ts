import type { Refusal } from '@tidemark/model';

// What one request was refused, by reason. Reasons are literals of this package, so there are few; the first example of
// each is kept for the answer.

export class Refusals {
  readonly #byReason = new Map<string, { count: number; example: string }>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** `example` is asked only for the first of its reason. */
  add(reason: string, count: number, example: () => string): void {
    if (count === 0) return;
    this.#total += count;
    const known = this.#byReason.get(reason);
    if (known) known.count += count;
    else this.#byReason.set(reason, { count, example: example() });
  }

  list(): readonly Refusal[] {
    return [...this.#byReason].map(([reason, { count, example }]) => ({ reason, count, example }));
  }
}
