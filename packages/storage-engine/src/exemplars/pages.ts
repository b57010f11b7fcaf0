// One tenant's exemplars in order of arrival, packed into pages. What came first goes first, and a page with it when it was the
// last of its page.
//
//   pages    |xxxxx5 6 7|8 9 10 11|12 13.....|        x gone, . free; a record never lies across two pages
//   address  page number * PAGE_BYTES + offset, numbers go on rising: an address below `tail` is one of what is gone
//   record   before f64 | time ms f64 | value f64 | series u32 | flags u8 | labels length u16 | labels, canonical
//
// `before` is the address of the record before it of the same series, or NOTHING: a series is read from its newest backwards, until
// an address that is gone. So appending and dropping touch no other record.

/** 16 KiB: some 200 exemplars of a trace id, and no more than that for a tenant that has one. */
export const PAGE_BYTES = 16 * 1024;
export const NOTHING = -1;
/** It named no time; the one it has is its sample's. */
export const HAS_NO_TIME = 1;

const HEAD_BYTES = 31;
/** The longest labels that fit a page beside their record's head. */
export const LABEL_BYTES_MAX = 4096;

export interface PackedExemplar {
  readonly before: number;
  readonly timestampMs: number;
  readonly value: number;
  readonly series: number;
  readonly flags: number;
  readonly labels: Uint8Array;
}

interface Page {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Bytes in use. */
  end: number;
}

export class ExemplarPages {
  readonly #pages: Page[] = [];
  /** Number of the first page. */
  #first = 0;
  /** Address of the oldest record. */
  #tail = 0;
  count = 0;

  get bytes(): number {
    return this.#pages.length * PAGE_BYTES;
  }

  /** Bytes that the next record may make it grow by. */
  growth(labelBytes: number): number {
    const page = this.#pages.at(-1);
    return page !== undefined && page.end + HEAD_BYTES + labelBytes <= PAGE_BYTES ? 0 : PAGE_BYTES;
  }

  isGone(address: number): boolean {
    return address < this.#tail;
  }

  /** Requires: labels of at most LABEL_BYTES_MAX. Returns its address. */
  append({ before, timestampMs, value, series, flags, labels }: PackedExemplar): number {
    if (this.growth(labels.length) > 0) this.#pages.push(emptyPage());
    const number = this.#first + this.#pages.length - 1;
    const page = this.#pages[this.#pages.length - 1] as Page;
    const at = page.end;
    const { view } = page;
    view.setFloat64(at, before);
    view.setFloat64(at + 8, timestampMs);
    view.setFloat64(at + 16, value);
    view.setUint32(at + 24, series);
    view.setUint8(at + 28, flags);
    view.setUint16(at + 29, labels.length);
    page.bytes.set(labels, at + HEAD_BYTES);
    page.end = at + HEAD_BYTES + labels.length;
    const address = number * PAGE_BYTES + at;
    if (this.count++ === 0) this.#tail = address;
    return address;
  }

  before(address: number): number {
    return this.#page(address).view.getFloat64(address % PAGE_BYTES);
  }

  timestampMs(address: number): number {
    return this.#page(address).view.getFloat64((address % PAGE_BYTES) + 8);
  }

  /** Requires: it is not gone. `labels` is a view, good until something is dropped. */
  read(address: number): PackedExemplar {
    const { bytes, view } = this.#page(address);
    const at = address % PAGE_BYTES;
    const labelsAt = at + HEAD_BYTES;
    return {
      before: view.getFloat64(at),
      timestampMs: view.getFloat64(at + 8),
      value: view.getFloat64(at + 16),
      series: view.getUint32(at + 24),
      flags: view.getUint8(at + 28),
      labels: bytes.subarray(labelsAt, labelsAt + view.getUint16(at + 29)),
    };
  }

  /** Requires: there is one. */
  oldest(): PackedExemplar {
    return this.read(this.#tail);
  }

  /** Requires: there is one. */
  dropOldest(): void {
    this.#tail = this.#next(this.#tail);
    this.count--;
    while (this.#pages.length > 0 && (this.#first + 1) * PAGE_BYTES <= this.#tail) {
      this.#pages.shift();
      this.#first++;
    }
  }

  /** Of all, oldest first. */
  *all(): Iterable<PackedExemplar> {
    let address = this.#tail;
    for (let i = 0; i < this.count; i++, address = this.#next(address)) yield this.read(address);
  }

  /** Behind the record: the next one, or where the next page begins. */
  #next(address: number): number {
    const { view, end } = this.#page(address);
    const at = address % PAGE_BYTES;
    const next = at + HEAD_BYTES + view.getUint16(at + 29);
    return next < end ? address - at + next : address - at + PAGE_BYTES;
  }

  #page(address: number): Page {
    return this.#pages[Math.floor(address / PAGE_BYTES) - this.#first] as Page;
  }
}

function emptyPage(): Page {
  const bytes = new Uint8Array(PAGE_BYTES);
  return { bytes, view: new DataView(bytes.buffer), end: 0 };
}
