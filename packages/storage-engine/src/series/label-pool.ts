import { compareIn, equalIn } from '@tidemark/base';
import { decodeUtf8, findLabelValue } from '@tidemark/model';
import { roomFor } from './room.ts';
import { LABEL_LENGTH_BYTES, type LabelPage, PAGE_BYTES, SharedLabels } from './shared-labels.ts';

// Canonical labels of one registry's series, by ref, in pages that the registries of a partition share.
//
//   ref -> start := index of the page here (upper 14 bits) | offset in page (lower 18 bits), length
//
// The pages are held by being here; they are found again by what is in them (shared-labels.ts).

const PAGE_BITS = Math.log2(PAGE_BYTES);
const OFFSET_MASK = PAGE_BYTES - 1;

const found = { start: 0, end: 0 };

export class LabelPool {
  readonly #shared: SharedLabels;
  readonly #avoid: WeakSet<LabelPage>;
  readonly #pages: LabelPage[] = [];
  readonly #indexes = new Map<LabelPage, number>();
  #starts = new Uint32Array(1024);
  #lengths = new Uint32Array(1024);
  count = 0;

  /** `avoid`: pages that are to be left behind. */
  constructor(shared: SharedLabels = new SharedLabels(), avoid: WeakSet<LabelPage> = new WeakSet()) {
    this.#shared = shared;
    this.#avoid = avoid;
  }

  /** Of pages with labels of this pool, which others may count as well. */
  get bytes(): number {
    return this.#pages.length * PAGE_BYTES;
  }

  /** Requires at most LABEL_BYTES_MAX. Returns the ref: 0, 1, 2, ...; undefined when there is no room. */
  add(bytes: Uint8Array, start: number, end: number): number | undefined {
    const place = this.#shared.place(bytes, start, end, this.#avoid);
    if (place === undefined) return undefined;
    let page = this.#indexes.get(place.page);
    if (page === undefined) {
      page = this.#pages.length;
      this.#pages.push(place.page);
      this.#indexes.set(place.page, page);
    }
    const ref = this.count++;
    if (ref === this.#starts.length) this.#grow();
    this.#starts[ref] = ((page << PAGE_BITS) | place.start) >>> 0;
    this.#lengths[ref] = end - start;
    return ref;
  }

  equals(ref: number, view: DataView, start: number, end: number): boolean {
    const length = this.#lengths[ref] as number;
    if (length !== end - start) return false;
    const address = this.#starts[ref] as number;
    return equalIn((this.#pages[address >>> PAGE_BITS] as LabelPage).view, address & OFFSET_MASK, view, start, length);
  }

  /** Orders the labels of two refs as bytes. */
  compare(a: number, b: number): number {
    const [x, y] = [this.#starts[a] as number, this.#starts[b] as number];
    return compareIn(
      (this.#pages[x >>> PAGE_BITS] as LabelPage).view,
      x & OFFSET_MASK,
      this.#lengths[a] as number,
      (this.#pages[y >>> PAGE_BITS] as LabelPage).view,
      y & OFFSET_MASK,
      this.#lengths[b] as number,
    );
  }

  /** A view, which never changes. */
  labelBytes(ref: number): Uint8Array {
    const address = this.#starts[ref] as number;
    const offset = address & OFFSET_MASK;
    const { bytes } = this.#pages[address >>> PAGE_BITS] as LabelPage;
    return bytes.subarray(offset, offset + (this.#lengths[ref] as number));
  }

  labelValue(ref: number, name: Uint8Array): string {
    const bytes = this.labelBytes(ref);
    if (!findLabelValue(bytes, 0, bytes.length, name, found)) return '';
    return decodeUtf8(bytes, found.start, found.end);
  }

  /** A pool for those that live on. Pages that would be less than half full of them are left behind. */
  successor(living: Uint8Array): LabelPool {
    const used = new Float64Array(this.#pages.length);
    for (let ref = 0; ref < this.count; ref++) {
      if (living[ref] !== 1) continue;
      const page = (this.#starts[ref] as number) >>> PAGE_BITS;
      used[page] = (used[page] as number) + (this.#lengths[ref] as number) + LABEL_LENGTH_BYTES;
    }
    const avoid = new WeakSet<LabelPage>();
    this.#pages.forEach((page, i) => {
      if ((used[i] as number) * 2 < this.#shared.usedOf(page)) avoid.add(page);
    });
    return new LabelPool(this.#shared, avoid);
  }

  #grow(): void {
    const starts = new Uint32Array(roomFor(this.count, this.#starts.length));
    starts.set(this.#starts);
    this.#starts = starts;
    const lengths = new Uint32Array(starts.length);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
  }
}
