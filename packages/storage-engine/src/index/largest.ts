import { compareUtf8, type NamedCount } from '@tidemark/model';

/** The greatest of many counts, in memory for `limit` of them: a heap with the least of those kept on top. */
export class Largest {
  readonly #limit: number;
  readonly #heap: NamedCount[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `name` is made only of what is kept. */
  offer(value: number, name: () => string): void {
    const heap = this.#heap;
    if (heap.length < this.#limit) {
      heap.push({ name: name(), value });
      this.#rise(heap.length - 1);
      return;
    }
    const least = heap[0];
    if (least === undefined || value < least.value) return;
    const offered = { name: name(), value };
    if (compareCounts(offered, least) >= 0) return;
    heap[0] = offered;
    this.#sink();
  }

  /** Greatest first, equal ones by name. */
  sorted(): NamedCount[] {
    return [...this.#heap].sort(compareCounts);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (compareCounts(heap[at] as NamedCount, heap[parent] as NamedCount) <= 0) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let last = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && compareCounts(heap[child] as NamedCount, heap[last] as NamedCount) > 0) last = child;
      }
      if (last === at) return;
      this.#swap(at, last);
      at = last;
    }
  }

  #swap(a: number, b: number): void {
    const kept = this.#heap[a] as NamedCount;
    this.#heap[a] = this.#heap[b] as NamedCount;
    this.#heap[b] = kept;
  }
}

function compareCounts(a: NamedCount, b: NamedCount): number {
  return b.value - a.value || compareUtf8(a.name, b.name);
}
