import { assert } from '@tidemark/base';

// Byte streams of many series in equal cells, so that a million growing streams cost no allocation each.
//
//   cell   := next u32 | data byte[60]          64 bytes: a cache line; a series wastes 30 on average
//   stream := first cell -> ... -> last cell    next of the last is CELL_NONE
//
// Cells are numbered from 0 and live in pages of 256 KiB (a shard has half of one to spare on average). Freed ones form a chain through `next`. A checkpoint takes the pages
// as they are, the free chain included, while appends go on.

export const CELL_NONE = 0xffff_ffff;
export const CELL_BYTES = 64;
const DATA_BYTES = CELL_BYTES - 4;
const PAGE_CELLS_BITS = 12;
const PAGE_CELLS = 1 << PAGE_CELLS_BITS;
export const CELL_PAGE_BYTES: number = PAGE_CELLS * CELL_BYTES;

export class Cells {
  readonly #pages: Uint8Array[] = [];
  #freeHead = CELL_NONE;
  /** Cells ever used: all below are in a stream or in the free chain. */
  #used = 0;
  /** Set while somebody reads the cells as they were at one moment. */
  #snapshot: CellsSnapshot | undefined;
  /** The stream being written or just written: its last cell and the bytes used in it. */
  lastCell = CELL_NONE;
  lastUsed = 0;

  get used(): number {
    return this.#used;
  }

  get bytes(): number {
    return this.#pages.length * CELL_PAGE_BYTES;
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
      const page = this.#pageToChange(cell);
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

  /** The cells as they are now, whatever happens until `endSnapshot`. Requires: one at a time. */
  beginSnapshot(): CellsSnapshot {
    assert(this.#snapshot === undefined, 'one reads the cells at a time');
    this.#snapshot = new CellsSnapshot(this.#pages, this.#used, this.#freeHead);
    return this.#snapshot;
  }

  endSnapshot(): void {
    this.#snapshot = undefined;
  }

  restore(used: number, freeHead: number): void {
    this.#pages.length = 0;
    for (let left = used; left > 0; left -= PAGE_CELLS) this.#pages.push(new Uint8Array(CELL_PAGE_BYTES));
    this.#used = used;
    this.#freeHead = freeHead;
  }

  /** Puts back what a page held. False where there is no such page, or it holds something else. */
  restorePage(number: number, bytes: Uint8Array): boolean {
    const page = this.#pages[number];
    if (page === undefined || bytes.length !== bytesUsed(number, this.#used)) return false;
    page.set(bytes);
    return true;
  }

  #pageToChange(cell: number): Uint8Array {
    const number = cell >>> PAGE_CELLS_BITS;
    this.#snapshot?.keep(number);
    return this.#pages[number] as Uint8Array;
  }

  #take(): number {
    let cell = this.#freeHead;
    if (cell !== CELL_NONE) this.#freeHead = this.#next(cell);
    else {
      cell = this.#used++;
      if (cell >>> PAGE_CELLS_BITS === this.#pages.length) this.#pages.push(new Uint8Array(CELL_PAGE_BYTES));
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
    const page = this.#pageToChange(cell);
    const at = (cell & (PAGE_CELLS - 1)) * CELL_BYTES;
    page[at] = next;
    page[at + 1] = next >>> 8;
    page[at + 2] = next >>> 16;
    page[at + 3] = next >>> 24;
  }
}

/** The pages of cells at one moment: each is copied when it is taken, or right before it changes. */
export class CellsSnapshot {
  readonly used: number;
  readonly freeHead: number;
  readonly pageCount: number;
  readonly #pages: readonly Uint8Array[];
  readonly #copies = new Map<number, Uint8Array>();
  readonly #isTaken: Uint8Array;

  constructor(pages: readonly Uint8Array[], used: number, freeHead: number) {
    this.used = used;
    this.freeHead = freeHead;
    this.pageCount = Math.ceil(used / PAGE_CELLS);
    this.#pages = pages;
    this.#isTaken = new Uint8Array(this.pageCount);
  }

  /** A page is about to change. */
  keep(number: number): void {
    if (number >= this.pageCount || this.#isTaken[number] !== 0) return;
    this.#isTaken[number] = 1;
    this.#copies.set(number, this.#copy(number));
  }

  /** What a page held: a copy, and the only one. Requires: once for each page. */
  take(number: number): Uint8Array {
    const copy = this.#copies.get(number);
    if (copy === undefined) {
      assert(this.#isTaken[number] === 0, 'a page is taken once');
      this.#isTaken[number] = 1;
      return this.#copy(number);
    }
    this.#copies.delete(number);
    return copy;
  }

  #copy(number: number): Uint8Array {
    return (this.#pages[number] as Uint8Array).slice(0, bytesUsed(number, this.used));
  }
}

/** Bytes of a page that are of cells ever used, where those below `used` are. */
function bytesUsed(page: number, used: number): number {
  return Math.min(used - page * PAGE_CELLS, PAGE_CELLS) * CELL_BYTES;
}
