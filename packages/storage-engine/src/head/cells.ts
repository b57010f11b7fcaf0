import { assert } from '@tidemark/base';

// Byte streams of many series in equal cells, so that a million growing streams cost no allocation each.
//
//   cell   := next u32 | data byte[60]          64 bytes: a cache line; a series wastes 30 on average
//   stream := first cell -> ... -> last cell    next of the last is CELL_NONE
//
// Cells are numbered from 0 and live in pages of 256 KiB (a shard has half of one to spare on average). Freed ones form a chain through `next`. A checkpoint takes the pages
// as they are, the free chain included.

export const CELL_NONE = 0xffff_ffff;
export const CELL_BYTES = 64;
const DATA_BYTES = CELL_BYTES - 4;
const PAGE_CELLS_BITS = 12;
const PAGE_CELLS = 1 << PAGE_CELLS_BITS;
const PAGE_BYTES = PAGE_CELLS * CELL_BYTES;

export class Cells {
  readonly #pages: Uint8Array[] = [];
  #freeHead = CELL_NONE;
  /** Cells ever used: all below are in a stream or in the free chain. */
  #used = 0;
  /** The stream being written or just written: its last cell and the bytes used in it. */
  lastCell = CELL_NONE;
  lastUsed = 0;

  get used(): number {
    return this.#used;
  }

  get bytes(): number {
    return this.#pages.length * PAGE_BYTES;
  }

  /**
   * Adds bytes to the stream that ends at (`lastCell`, `lastUsed`), or begins one if lastCell is CELL_NONE. Returns the first
   * cell that was added (CELL_NONE if none was needed); the new end is in `this.lastCell` and `this.lastUsed`.
   */
  append(lastCell: number, lastUsed: number, bytes: Uint8Array, start: number, end: number): number {
    let firstAdded = CELL_NONE;
    let cell = lastCell;
    let used = lastUsed;
    let at = start;
    while (at < end) {
      if (cell === CELL_NONE || used === DATA_BYTES) {
        const fresh = this.#take();
        if (firstAdded === CELL_NONE) firstAdded = fresh;
        if (cell !== CELL_NONE) this.#setNext(cell, fresh);
        cell = fresh;
        used = 0;
      }
      const page = this.#pages[cell >>> PAGE_CELLS_BITS] as Uint8Array;
      const base = (cell & (PAGE_CELLS - 1)) * CELL_BYTES + 4;
      const taken = Math.min(DATA_BYTES - used, end - at);
      for (let i = 0; i < taken; i++) page[base + used + i] = bytes[at + i] as number;
      used += taken;
      at += taken;
    }
    this.lastCell = cell;
    this.lastUsed = used;
    return firstAdded;
  }

  /** Copies a stream into `into` (grown as needed by the caller: at most `bytesMax`); returns its length. */
  read(firstCell: number, lastUsed: number, into: Uint8Array): number {
    let at = 0;
    let cell = firstCell;
    while (cell !== CELL_NONE) {
      const next = this.#next(cell);
      const page = this.#pages[cell >>> PAGE_CELLS_BITS] as Uint8Array;
      const base = (cell & (PAGE_CELLS - 1)) * CELL_BYTES + 4;
      const length = next === CELL_NONE ? lastUsed : DATA_BYTES;
      assert(at + length <= into.length, 'a stream fits its scratch');
      for (let i = 0; i < length; i++) into[at + i] = page[base + i] as number;
      at += length;
      cell = next;
    }
    return at;
  }

  free(firstCell: number, lastCell: number): void {
    if (firstCell === CELL_NONE) return;
    this.#setNext(lastCell, this.#freeHead);
    this.#freeHead = firstCell;
  }

  /** The pages as they are (copies) and the numbers that make sense of them. */
  snapshot(): { readonly used: number; readonly freeHead: number; readonly pages: Uint8Array[] } {
    const pages: Uint8Array[] = [];
    for (let left = this.#used, page = 0; left > 0; left -= PAGE_CELLS, page++) {
      pages.push((this.#pages[page] as Uint8Array).slice(0, Math.min(left, PAGE_CELLS) * CELL_BYTES));
    }
    return { used: this.#used, freeHead: this.#freeHead, pages };
  }

  restore(used: number, freeHead: number, bytes: Uint8Array): void {
    assert(bytes.length === used * CELL_BYTES, 'cells are whole');
    this.#pages.length = 0;
    for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
      const page = new Uint8Array(PAGE_BYTES);
      page.set(bytes.subarray(at, at + PAGE_BYTES));
      this.#pages.push(page);
    }
    this.#used = used;
    this.#freeHead = freeHead;
  }

  #take(): number {
    let cell = this.#freeHead;
    if (cell !== CELL_NONE) this.#freeHead = this.#next(cell);
    else {
      cell = this.#used++;
      if (cell >>> PAGE_CELLS_BITS === this.#pages.length) this.#pages.push(new Uint8Array(PAGE_BYTES));
    }
    this.#setNext(cell, CELL_NONE);
    return cell;
  }

  #next(cell: number): number {
    const page = this.#pages[cell >>> PAGE_CELLS_BITS] as Uint8Array;
    const at = (cell & (PAGE_CELLS - 1)) * CELL_BYTES;
    return (
      ((page[at] as number) |
        ((page[at + 1] as number) << 8) |
        ((page[at + 2] as number) << 16) |
        ((page[at + 3] as number) << 24)) >>>
      0
    );
  }

  #setNext(cell: number, next: number): void {
    const page = this.#pages[cell >>> PAGE_CELLS_BITS] as Uint8Array;
    const at = (cell & (PAGE_CELLS - 1)) * CELL_BYTES;
    page[at] = next;
    page[at + 1] = next >>> 8;
    page[at + 2] = next >>> 16;
    page[at + 3] = next >>> 24;
  }
}
