import { assert, bytesEqual, hash32, hashIn } from '@tidemark/base';

// Canonical labels of a partition's series, each once for all tiers: samples, minutes and hours name the same series.
//
//   pool of raw  ──┐
//   pool of 1m   ──┼── page ──> |len|labels|len|labels|...      256 KiB, written once
//   pool of 1h   ──┘              ^
//                                 └── table: hash -> page number (upper 14 bits) | offset in page (lower 18 bits)
//
// Who uses a page holds it; here full pages are held weakly. So nothing is given back by hand: a page goes when the last pool
// that has labels in it goes, and the table forgets what was in it at its next rehash. Only then is its number used again.

const PAGE_BITS = 18;
export const PAGE_BYTES: number = 1 << PAGE_BITS;
/** 64 KiB: far above what admission lets through, far below a page. */
export const LABEL_BYTES_MAX = 65_536;
const PAGES_MAX = 1 << (32 - PAGE_BITS);
/** In front of labels: their length, u24le. */
export const LABEL_LENGTH_BYTES = 3;
const NO_ADDRESS = 0xffff_ffff;
const LEAST_TABLE = 256;

export interface LabelPage {
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Of all of `bytes`. */
  readonly view: DataView;
}

/** Where labels lie: `page.bytes[start, end)`. */
export interface LabelPlace {
  readonly page: LabelPage;
  readonly start: number;
  readonly end: number;
}

/** A hold that lets go when nobody else holds: a WeakRef, or in a test what is told to. */
export interface WeakHold {
  deref(): LabelPage | undefined;
}

export class SharedLabels {
  readonly #hold: (page: LabelPage) => WeakHold;
  readonly #pages: (WeakHold | undefined)[] = [];
  /** Numbers that no entry of the table names any more. */
  readonly #free: number[] = [];
  /** The page being filled, and how far. */
  #filling: LabelPage | undefined;
  #used = 0;
  #table = new Uint32Array(LEAST_TABLE).fill(NO_ADDRESS);
  /** Slots in use, those of pages that have gone included. */
  #entries = 0;

  constructor(hold: (page: LabelPage) => WeakHold = (page) => new WeakRef(page)) {
    this.#hold = hold;
  }

  /** Bytes of a page that have labels in them. */
  usedOf(page: LabelPage): number {
    return page === this.#filling ? this.#used : PAGE_BYTES;
  }

  /**
   * Where equal labels lie, in a page that is not in `avoid`; put there if they do nowhere. Whoever uses the place holds the
   * page. Undefined when no page more can be had: 4 GiB of labels is the end. Requires at most LABEL_BYTES_MAX.
   */
  place(labels: Uint8Array, start: number, end: number, avoid: WeakSet<LabelPage>): LabelPlace | undefined {
    // First of all: a rehash moves slots.
    if (!this.#makeRoom(end - start, avoid)) return undefined;
    const mask = this.#table.length - 1;
    let slot = hash32(labels, start, end) & mask;
    for (;;) {
      const address = this.#table[slot] as number;
      if (address === NO_ADDRESS) break;
      const known = this.#at(address);
      if (known && bytesEqual(known.page.bytes, known.start, known.end, labels, start, end)) {
        if (!avoid.has(known.page)) return known;
        this.#entries--;
        break;
      }
      slot = (slot + 1) & mask;
    }
    const fresh = this.#put(labels, start, end);
    this.#table[slot] = ((fresh.page.number << PAGE_BITS) | (fresh.start - LABEL_LENGTH_BYTES)) >>> 0;
    // Linear probing stays short below one half full.
    if (++this.#entries * 2 > this.#table.length) this.#rehash();
    return fresh;
  }

  #at(address: number): LabelPlace | undefined {
    const page = this.#pages[address >>> PAGE_BITS]?.deref();
    if (page === undefined) return undefined;
    const start = (address & (PAGE_BYTES - 1)) + LABEL_LENGTH_BYTES;
    const { bytes } = page;
    const length =
      (bytes[start - 3] as number) | ((bytes[start - 2] as number) << 8) | ((bytes[start - 1] as number) << 16);
    return { page, start, end: start + length };
  }

  #makeRoom(length: number, avoid: WeakSet<LabelPage>): boolean {
    assert(length <= LABEL_BYTES_MAX, 'labels fit a page');
    const page = this.#filling;
    if (page && !avoid.has(page) && this.#used + LABEL_LENGTH_BYTES + length <= PAGE_BYTES) return true;
    if (this.#free.length === 0 && this.#pages.length === PAGES_MAX) this.#rehash();
    const number = this.#free.pop() ?? this.#pages.length;
    if (number === PAGES_MAX) return false;
    const bytes = new Uint8Array(PAGE_BYTES);
    this.#filling = { number, bytes, view: new DataView(bytes.buffer) };
    this.#pages[number] = this.#hold(this.#filling);
    this.#used = 0;
    return true;
  }

  #put(labels: Uint8Array, from: number, to: number): LabelPlace {
    const page = this.#filling as LabelPage;
    const start = this.#used + LABEL_LENGTH_BYTES;
    page.bytes[start - 3] = to - from;
    page.bytes[start - 2] = (to - from) >>> 8;
    page.bytes[start - 1] = (to - from) >>> 16;
    page.bytes.set(labels.subarray(from, to), start);
    this.#used = start + to - from;
    return { page, start, end: this.#used };
  }

  /** A table with room for twice what is there; numbers of pages that are gone become free. */
  #rehash(): void {
    const held = this.#pages.map((page) => page?.deref());
    const addresses = this.#table.filter(
      (address) => address !== NO_ADDRESS && held[address >>> PAGE_BITS] !== undefined,
    );
    let size = LEAST_TABLE;
    while (size < addresses.length * 3) size *= 2;
    const table = new Uint32Array(size).fill(NO_ADDRESS);
    for (const address of addresses) {
      const { page, start, end } = this.#at(address) as LabelPlace;
      let slot = hashIn(page.view, start, end) & (size - 1);
      while (table[slot] !== NO_ADDRESS) slot = (slot + 1) & (size - 1);
      table[slot] = address;
    }
    this.#table = table;
    this.#entries = addresses.length;
    held.forEach((page, number) => {
      if (page !== undefined || this.#pages[number] === undefined) return;
      this.#pages[number] = undefined;
      this.#free.push(number);
    });
  }
}

/** The labels of each partition; its tiers get the same. */
export class PartitionLabels {
  readonly #byPartition = new Map<number, SharedLabels>();

  of(partition: number): SharedLabels {
    let labels = this.#byPartition.get(partition);
    if (labels === undefined) {
      labels = new SharedLabels();
      this.#byPartition.set(partition, labels);
    }
    return labels;
  }
}
