/** 512 series: small enough for a tenant of ten, large enough that a block's objects cost under 3 bytes a series. */
export const SLOT_BITS = 9;
export const SLOTS = 1 << SLOT_BITS;
export const SLOT_MASK: number = SLOTS - 1;

/** What a block of series remembers of its rows: whether they were sent, and which have changed since. */
export class SlotMarks {
  /** Whether rows of all slots without a dirty mark were emitted as they are. */
  emitted = false;
  dirtyCount = 0;
  readonly #dirty = new Uint32Array(SLOTS / 32);

  markDirty(slot: number): void {
    const bit = 1 << (slot & 31);
    const word = this.#dirty[slot >>> 5] as number;
    if ((word & bit) !== 0) return;
    this.#dirty[slot >>> 5] = word | bit;
    this.dirtyCount++;
  }

  isDirty(slot: number): boolean {
    return ((this.#dirty[slot >>> 5] as number) & (1 << (slot & 31))) !== 0;
  }

  clearDirty(): void {
    if (this.dirtyCount === 0) return;
    this.#dirty.fill(0);
    this.dirtyCount = 0;
  }
}
