// Series of a shard to small numbers: a Map while there are few, four bytes a series of the shard once there are many.
//
//   few    Map { 17 -> 3, 90211 -> 4 }        some 40 bytes each
//   many   numbers[ref] = number + 1, 0: none

// A window that only late samples came for has a handful of the shard's million series.
const MANY = 1024;

export class RefMap {
  #few: Map<number, number> | undefined = new Map();
  #many = new Uint32Array(0);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#few === undefined ? this.#many.length * 4 : this.#size * 40;
  }

  has(ref: number): boolean {
    return this.#few === undefined ? (this.#many[ref] ?? 0) !== 0 : this.#few.has(ref);
  }

  /** -1: none. */
  get(ref: number): number {
    return this.#few === undefined ? (this.#many[ref] ?? 0) - 1 : (this.#few.get(ref) ?? -1);
  }

  /** Requires `0 <= number < 2^32 - 1`. */
  set(ref: number, number: number): void {
    if (this.#few !== undefined) {
      this.#few.set(ref, number);
      this.#size = this.#few.size;
      if (this.#size > MANY) this.#spread(this.#few);
      return;
    }
    if (ref >= this.#many.length) this.#grow(ref + 1);
    if (this.#many[ref] === 0) this.#size++;
    this.#many[ref] = number + 1;
  }

  clear(): void {
    this.#few = new Map();
    this.#many = new Uint32Array(0);
    this.#size = 0;
  }

  /** In no particular order. */
  *keys(): IterableIterator<number> {
    if (this.#few !== undefined) yield* this.#few.keys();
    else for (let ref = 0; ref < this.#many.length; ref++) if (this.#many[ref] !== 0) yield ref;
  }

  *entries(): IterableIterator<[ref: number, number: number]> {
    for (const ref of this.keys()) yield [ref, this.get(ref)];
  }

  #spread(few: ReadonlyMap<number, number>): void {
    let most = 0;
    for (const ref of few.keys()) most = Math.max(most, ref);
    this.#grow(most + 1);
    for (const [ref, number] of few) this.#many[ref] = number + 1;
    this.#few = undefined;
  }

  #grow(least: number): void {
    // A quarter more: series come in order of their numbers.
    const many = new Uint32Array(Math.max(least, Math.ceil(this.#many.length * 1.25)));
    many.set(this.#many);
    this.#many = many;
  }
}
