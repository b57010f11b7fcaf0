// A set of fingerprints (53-bit, never 0): open addressing in one Float64Array, 12 to 24 bytes a member where a JS Set of
// doubles takes about 60.

const FIRST_SLOTS = 256;

export class FingerprintSet {
  #slots = new Float64Array(FIRST_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(fingerprint: number): boolean {
    return this.#slots[this.#slot(fingerprint)] === fingerprint;
  }

  /** Whether it was new. */
  add(fingerprint: number): boolean {
    const slot = this.#slot(fingerprint);
    if (this.#slots[slot] === fingerprint) return false;
    this.#slots[slot] = fingerprint;
    this.#size++;
    if (this.#size * 3 > this.#slots.length * 2) this.#grow();
    return true;
  }

  /** Where it is, or the empty slot where it would be. */
  #slot(fingerprint: number): number {
    const mask = this.#slots.length - 1;
    let slot = (fingerprint % 0x1_0000_0000) & mask;
    for (;;) {
      const held = this.#slots[slot];
      if (held === 0 || held === fingerprint) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const held = this.#slots;
    this.#slots = new Float64Array(held.length * 2);
    for (const fingerprint of held) if (fingerprint !== 0) this.#slots[this.#slot(fingerprint)] = fingerprint;
  }
}
