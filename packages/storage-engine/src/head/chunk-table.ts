import { assert } from '@tidemark/base';
import { RefMap } from '../series/ref-map.ts';

// Where the chunks of many series lie in one window, newest first per series, in typed arrays: entry -> (block, offset, length,
// times, ...). 34 bytes a chunk, for a window of a day keeps dozens of them a series: times are distances from the window's start.

const LEAST = 64;
const U32_MAX = 2 ** 32 - 1;

export class ChunkTable {
  count = 0;
  refs = new Uint32Array(LEAST);
  /** Block number, meaningful to the owner; 0 where there is only one. */
  blocks = new Uint32Array(LEAST);
  offsets = new Uint32Array(LEAST);
  lengths = new Uint32Array(LEAST);
  samples = new Uint16Array(LEAST);
  /** Which of two samples at one time stands: the one of greater rank. 0: arrived in order. */
  ranks = new Uint32Array(LEAST);
  /** The entry before this of the same series, or -1. */
  previous = new Int32Array(LEAST);
  readonly #startMs: number;
  #min = new Uint32Array(LEAST);
  #max = new Uint32Array(LEAST);
  readonly #last = new RefMap();

  /** Of a window that begins at `startMs`. */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  minMs(at: number): number {
    return this.#startMs + (this.#min[at] as number);
  }

  /** Inclusive. */
  maxMs(at: number): number {
    return this.#startMs + (this.#max[at] as number);
  }

  /** The newest entry of a series, or -1. */
  last(ref: number): number {
    return this.#last.get(ref);
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

  /** Whether times can be of a chunk of this window. */
  holds(minMs: number, maxMs: number): boolean {
    return minMs >= this.#startMs && minMs <= maxMs && maxMs - this.#startMs <= U32_MAX;
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
    assert(this.holds(minMs, maxMs), 'a chunk lies in its window');
    assert(rank <= U32_MAX && samples <= 0xffff, 'ranks and samples fit');
    const at = this.count++;
    if (at === this.refs.length) this.#grow();
    this.refs[at] = ref;
    this.blocks[at] = block;
    this.offsets[at] = offset;
    this.lengths[at] = length;
    this.#min[at] = minMs - this.#startMs;
    this.#max[at] = maxMs - this.#startMs;
    this.samples[at] = samples;
    this.ranks[at] = rank;
    this.previous[at] = this.#last.get(ref);
    this.#last.set(ref, at);
  }

  /** Gives every series another number: `refs[ref]`. */
  renumber(refs: Uint32Array): void {
    this.#last.clear();
    for (let at = 0; at < this.count; at++) {
      this.refs[at] = refs[this.refs[at] as number] as number;
      this.#last.set(this.refs[at] as number, at);
    }
  }

  get bytes(): number {
    return this.refs.length * 34 + this.#last.bytes;
  }

  #grow(): void {
    const size = Math.max(LEAST * 2, Math.ceil(this.refs.length * 1.25));
    this.refs = u32(this.refs, size);
    this.blocks = u32(this.blocks, size);
    this.offsets = u32(this.offsets, size);
    this.lengths = u32(this.lengths, size);
    this.#min = u32(this.#min, size);
    this.#max = u32(this.#max, size);
    this.ranks = u32(this.ranks, size);
    const samples = new Uint16Array(size);
    samples.set(this.samples);
    this.samples = samples;
    const previous = new Int32Array(size);
    previous.set(this.previous);
    this.previous = previous;
  }
}

function u32(old: Uint32Array, size: number): Uint32Array<ArrayBuffer> {
  const wide = new Uint32Array(size);
  wide.set(old);
  return wide;
}
