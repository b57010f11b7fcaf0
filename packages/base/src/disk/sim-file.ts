import type { Random } from '../random.ts';

// The content of a simulated file: what programs see, and what the platter surely has.
//
//   bytes   |------- synced -------|-------- written since --------|
//           0                    cleanTo                          size
//   shadow                         what the platter still has from cleanTo on, when the file was cut below its synced end
//   lost           what a failed sync was to write: programs see it, no later sync writes it, and it is zeros on the platter
//
// A power loss keeps the synced part and any mixture of the rest.

// 512: what a drive promises to write whole or not at all.
export const SECTOR_BYTES = 512;

export class SimInode {
  /** The name it was last given, for faults by path. */
  path = '';
  #bytes = new Uint8Array(0);
  #size = 0;
  #cleanTo = 0;
  #shadow = new Uint8Array(0);
  #lost: { readonly from: number; readonly to: number }[] = [];

  static of(content: Uint8Array): SimInode {
    const inode = new SimInode();
    inode.append(content);
    inode.sync();
    return inode;
  }

  get size(): number {
    return this.#size;
  }

  /** A view of what programs see now. */
  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  append(piece: Uint8Array): void {
    const size = this.#size + piece.length;
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2));
      grown.set(this.content);
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#size);
    this.#size = size;
  }

  truncate(size: number): void {
    if (size < this.#cleanTo) {
      const cut = this.#onPlatter(this.#cleanTo).subarray(size);
      const shadow = new Uint8Array(cut.length + this.#shadow.length);
      shadow.set(cut);
      shadow.set(this.#shadow, cut.length);
      this.#shadow = shadow;
      this.#cleanTo = size;
    }
    this.#size = Math.min(size, this.#size);
    this.#lost = this.#lost.flatMap(({ from, to }) => (from < size ? [{ from, to: Math.min(to, size) }] : []));
  }

  sync(): void {
    this.#cleanTo = this.#size;
    this.#shadow = new Uint8Array(0);
  }

  /** The system gave up writing what was not synced, and will not try again. */
  failSync(): void {
    if (this.#size > this.#cleanTo) this.#lost.push({ from: this.#cleanTo, to: this.#size });
  }

  /** The same file of a next process on the same machine. */
  carriedOver(): SimInode {
    const inode = SimInode.of(this.content);
    inode.#lost = [...this.#lost];
    return inode;
  }

  /** A copy of the first `length` bytes as they are if all of them were written that ever will be. */
  #onPlatter(length: number): Uint8Array {
    const bytes = this.#bytes.slice(0, length);
    for (const { from, to } of this.#lost) bytes.fill(0, Math.min(from, length), Math.min(to, length));
    return bytes;
  }

  /** Only what was synced. */
  synced(): Uint8Array {
    const out = new Uint8Array(this.#cleanTo + this.#shadow.length);
    out.set(this.#onPlatter(this.#cleanTo));
    out.set(this.#shadow, this.#cleanTo);
    return out;
  }

  /** What a power loss may leave: the synced part, then a torn prefix of the rest, some of its sectors never written. */
  torn(random: Random): Uint8Array {
    if (this.#shadow.length > 0 && random.below(2) === 0) return this.synced();
    const unsynced = this.#size - this.#cleanTo;
    const kept = this.#cleanTo + random.below(unsynced + 1);
    const out = this.#onPlatter(kept);
    if (random.below(2) === 0) return out;
    for (let sector = Math.floor(this.#cleanTo / SECTOR_BYTES); sector * SECTOR_BYTES < kept; sector++) {
      if (random.below(3) !== 0) continue;
      out.fill(0, Math.max(this.#cleanTo, sector * SECTOR_BYTES), Math.min(kept, (sector + 1) * SECTOR_BYTES));
    }
    return out;
  }

  flipBit(position: number, bit: number): void {
    this.#bytes[position] = (this.#bytes[position] as number) ^ (1 << bit);
  }
}
