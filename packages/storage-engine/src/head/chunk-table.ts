import { assert } from '@tidemark/base';
import { RefMap } from '../series/ref-map.ts';

// Where the chunks of many series lie in one window, newest first per series: entry -> (block, offset, length, times, ...). 22 bytes
// a chunk, for a window of a day keeps dozens of them a series: times are distances from the window's start, and whose an entry
// is stands at the end of its chain only.
//
//   last of a series ──> entry ── previous ──> entry ── previous ──> -1 - ref
//
// Entries lie in pages of 4,096 that are never moved; only the first grows.

const LEAST = 64;
const PAGE_BITS = 12;
const PAGE_ENTRIES = 1 << PAGE_BITS;
const U16_MAX = 2 ** 16 - 1;
const U32_MAX = 2 ** 32 - 1;
const ENTRY_BYTES = 22;

interface Page {
  readonly blocks: Uint32Array;
  readonly offsets: Uint16Array;
  readonly lengths: Uint16Array;
  readonly samples: Uint16Array;
  readonly min: Uint32Array;
  readonly max: Uint32Array;
  /** The entry before of the same series; -1 - its ref: there is none. */
  readonly previous: Int32Array;
  /** Made when the first entry has one that is not 0. */
  ranks: Uint32Array | undefined;
}

export class ChunkTable {
  count = 0;
  readonly #startMs: number;
  readonly #pages: Page[] = [];
  readonly #last = new RefMap();

  /** Of a window that begins at `startMs`. */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** Block number, meaningful to the owner. */
  block(at: number): number {
    return this.#page(at).blocks[at & (PAGE_ENTRIES - 1)] as number;
  }

  /** Within its block. */
  offset(at: number): number {
    return this.#page(at).offsets[at & (PAGE_ENTRIES - 1)] as number;
  }

  length(at: number): number {
    return this.#page(at).lengths[at & (PAGE_ENTRIES - 1)] as number;
  }

  samples(at: number): number {
    return this.#page(at).samples[at & (PAGE_ENTRIES - 1)] as number;
  }

  /** Which of two samples at one time stands: the one of greater rank. 0: arrived in order. */
  rank(at: number): number {
    return this.#page(at).ranks?.[at & (PAGE_ENTRIES - 1)] ?? 0;
  }

  minMs(at: number): number {
    return this.#startMs + (this.#page(at).min[at & (PAGE_ENTRIES - 1)] as number);
  }

  /** Inclusive. */
  maxMs(at: number): number {
    return this.#startMs + (this.#page(at).max[at & (PAGE_ENTRIES - 1)] as number);
  }

  /** The newest entry of a series, or -1. */
  last(ref: number): number {
    return this.#last.get(ref);
  }

  /** The entry before this of the same series, or -1. */
  previous(at: number): number {
    return Math.max(-1, this.#link(at));
  }

  /** The series of an entry: a walk along all before it. */
  refOf(at: number): number {
    let link = this.#link(at);
    while (link >= 0) link = this.#link(link);
    return -1 - link;
  }

  has(ref: number): boolean {
    return this.#last.has(ref);
  }

  seriesRefs(): IterableIterator<number> {
    return this.#last.keys();
  }

  get seriesCount(): number {
    return this.#last.size;
  }

  /** Whether an entry can be of a chunk of this window. */
  holds(minMs: number, maxMs: number, offset = 0, length = 0): boolean {
    const fits = offset <= U16_MAX && length <= U16_MAX;
    return fits && minMs >= this.#startMs && minMs <= maxMs && maxMs - this.#startMs <= U32_MAX;
  }

  add(
    ref: number,
    block: number,
    offset: number,
    length: number,
    minMs: number,
    maxMs: number,
    samples: number,
    rank: number,
  ): void {
    assert(this.holds(minMs, maxMs, offset, length), 'a chunk lies in its window, and in its block');
    assert(rank <= U32_MAX && samples <= U16_MAX, 'ranks and samples fit');
    const at = this.count++;
    const page = this.#roomFor(at);
    const i = at & (PAGE_ENTRIES - 1);
    page.blocks[i] = block;
    page.offsets[i] = offset;
    page.lengths[i] = length;
    page.samples[i] = samples;
    page.min[i] = minMs - this.#startMs;
    page.max[i] = maxMs - this.#startMs;
    if (rank > 0) {
      page.ranks ??= new Uint32Array(page.blocks.length);
      page.ranks[i] = rank;
    }
    const before = this.#last.get(ref);
    page.previous[i] = before >= 0 ? before : -1 - ref;
    this.#last.set(ref, at);
  }

  /** Gives every series another number: `refs[ref]`. */
  renumber(refs: Uint32Array): void {
    const old = Uint32Array.from(this.#last.keys());
    const last = Uint32Array.from(old, (ref) => this.#last.get(ref));
    this.#last.clear();
    for (let i = 0; i < old.length; i++) this.#last.set(refs[old[i] as number] as number, last[i] as number);
    for (let at = 0; at < this.count; at++) {
      const link = this.#link(at);
      if (link < 0) this.#page(at).previous[at & (PAGE_ENTRIES - 1)] = -1 - (refs[-1 - link] as number);
    }
  }

  get bytes(): number {
    let bytes = this.#last.bytes;
    for (const { blocks, ranks } of this.#pages) bytes += blocks.length * ENTRY_BYTES + (ranks?.byteLength ?? 0);
    return bytes;
  }

  #link(at: number): number {
    return this.#page(at).previous[at & (PAGE_ENTRIES - 1)] as number;
  }

  #page(at: number): Page {
    return this.#pages[at >>> PAGE_BITS] as Page;
  }

  #roomFor(at: number): Page {
    const number = at >>> PAGE_BITS;
    let page = this.#pages[number];
    if (page === undefined) {
      page = makePage(number === 0 ? LEAST : PAGE_ENTRIES);
      this.#pages.push(page);
    } else if ((at & (PAGE_ENTRIES - 1)) === page.blocks.length) {
      page = grown(page);
      this.#pages[number] = page;
    }
    return page;
  }
}

function makePage(entries: number): Page {
  return {
    blocks: new Uint32Array(entries),
    offsets: new Uint16Array(entries),
    lengths: new Uint16Array(entries),
    samples: new Uint16Array(entries),
    min: new Uint32Array(entries),
    max: new Uint32Array(entries),
    previous: new Int32Array(entries),
    ranks: undefined,
  };
}

function grown(old: Page): Page {
  const page = makePage(old.blocks.length * 2);
  for (const key of ['blocks', 'offsets', 'lengths', 'samples', 'min', 'max', 'previous'] as const) {
    page[key].set(old[key]);
  }
  if (old.ranks !== undefined) {
    page.ranks = new Uint32Array(page.blocks.length);
    page.ranks.set(old.ranks);
  }
  return page;
}
