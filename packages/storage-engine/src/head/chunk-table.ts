// Where the chunks of many series lie, newest first per series, in typed arrays: entry -> (block, offset, length, times, ...).

export class ChunkTable {
  count = 0;
  refs = new Uint32Array(64);
  /** Block number, meaningful to the owner; 0 where there is only one. */
  blocks = new Uint32Array(64);
  offsets = new Uint32Array(64);
  lengths = new Uint32Array(64);
  minMs = new Float64Array(64);
  /** Inclusive. */
  maxMs = new Float64Array(64);
  samples = new Uint32Array(64);
  /** Which of two samples at one time stands: the one of greater rank. 0: arrived in order. */
  ranks = new Float64Array(64);
  /** The entry before this of the same series, or -1. */
  previous = new Int32Array(64);
  readonly #last = new Map<number, number>();

  /** The newest entry of a series, or -1. */
  last(ref: number): number {
    return this.#last.get(ref) ?? -1;
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
    const at = this.count++;
    if (at === this.refs.length) this.#grow();
    this.refs[at] = ref;
    this.blocks[at] = block;
    this.offsets[at] = offset;
    this.lengths[at] = length;
    this.minMs[at] = minMs;
    this.maxMs[at] = maxMs;
    this.samples[at] = samples;
    this.ranks[at] = rank;
    this.previous[at] = this.#last.get(ref) ?? -1;
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
    return this.refs.length * 48 + this.#last.size * 40;
  }

  #grow(): void {
    const size = this.refs.length * 2;
    this.refs = u32(this.refs, size);
    this.blocks = u32(this.blocks, size);
    this.offsets = u32(this.offsets, size);
    this.lengths = u32(this.lengths, size);
    this.samples = u32(this.samples, size);
    this.minMs = f64(this.minMs, size);
    this.maxMs = f64(this.maxMs, size);
    this.ranks = f64(this.ranks, size);
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

function f64(old: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const wide = new Float64Array(size);
  wide.set(old);
  return wide;
}
