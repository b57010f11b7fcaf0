import { bytesEqual } from '@tidemark/base';
import { decodeUtf8, findLabelValue } from '@tidemark/model';

// Canonical labels of many series, end to end in pages, found by a u32 address.
//
//   address := page (upper 12 bits) | offset in page (lower 20 bits)

const PAGE_BITS = 20;
const PAGE_BYTES = 1 << PAGE_BITS;
const PAGES_MAX = 1 << (32 - PAGE_BITS);

/** 64 KiB: far above what admission lets through, far below a page. */
export const LABEL_BYTES_MAX = 65_536;

const found = { start: 0, end: 0 };

export class LabelPool {
  readonly #pages: Uint8Array[] = [];
  #used = PAGE_BYTES;
  #starts = new Uint32Array(1024);
  #lengths = new Uint32Array(1024);
  count = 0;

  /** Whether 64 KiB more can be held: 4 GiB of labels is the end. */
  get full(): boolean {
    return this.#pages.length >= PAGES_MAX && this.#used + LABEL_BYTES_MAX > PAGE_BYTES;
  }

  get bytes(): number {
    return this.#pages.length * PAGE_BYTES;
  }

  /** Requires at most LABEL_BYTES_MAX. Returns the ref: 0, 1, 2, ... */
  add(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (this.#used + length > PAGE_BYTES) {
      this.#pages.push(new Uint8Array(PAGE_BYTES));
      this.#used = 0;
    }
    const page = this.#pages.length - 1;
    (this.#pages[page] as Uint8Array).set(bytes.subarray(start, end), this.#used);
    const ref = this.count++;
    if (ref === this.#starts.length) this.#grow();
    this.#starts[ref] = ((page << PAGE_BITS) | this.#used) >>> 0;
    this.#lengths[ref] = length;
    this.#used += length;
    return ref;
  }

  equals(ref: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = this.#lengths[ref] as number;
    if (length !== end - start) return false;
    const address = this.#starts[ref] as number;
    const offset = address & (PAGE_BYTES - 1);
    return bytesEqual(this.#pages[address >>> PAGE_BITS] as Uint8Array, offset, offset + length, bytes, start, end);
  }

  /** A view: valid as long as the pool is. */
  labelBytes(ref: number): Uint8Array {
    const address = this.#starts[ref] as number;
    const offset = address & (PAGE_BYTES - 1);
    return (this.#pages[address >>> PAGE_BITS] as Uint8Array).subarray(offset, offset + (this.#lengths[ref] as number));
  }

  labelValue(ref: number, name: Uint8Array): string {
    const bytes = this.labelBytes(ref);
    if (!findLabelValue(bytes, 0, bytes.length, name, found)) return '';
    return decodeUtf8(bytes, found.start, found.end);
  }

  #grow(): void {
    const starts = new Uint32Array(this.#starts.length * 2);
    starts.set(this.#starts);
    this.#starts = starts;
    const lengths = new Uint32Array(starts.length);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
  }
}
