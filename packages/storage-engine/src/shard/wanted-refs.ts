// Which series of a shard a read still has to take: a set where they are few, a byte for each of the shard's where they are many. One
// series of a million must not cost a megabyte, and half of them no objects.

// A member of a set takes some 40 bytes, and some tens of nanoseconds to put in.
const FEW_SHARE = 64;

export class WantedRefs {
  readonly #few: Set<number> | undefined;
  readonly #many: Uint8Array | undefined;

  /** Requires that all are below `seriesCount`. */
  constructor(refs: readonly number[], seriesCount: number) {
    if (refs.length * FEW_SHARE <= seriesCount) {
      this.#few = new Set(refs);
      return;
    }
    this.#many = new Uint8Array(seriesCount);
    for (const ref of refs) this.#many[ref] = 1;
  }

  has(ref: number): boolean {
    return this.#few !== undefined ? this.#few.has(ref) : this.#many?.[ref] === 1;
  }

  delete(ref: number): void {
    if (this.#few !== undefined) this.#few.delete(ref);
    else if (this.#many !== undefined && ref < this.#many.length) this.#many[ref] = 0;
  }
}
