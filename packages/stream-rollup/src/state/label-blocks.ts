import { assert } from '@tidemark/base';

// Canonical labels of series by ref, end to end in blocks of 4,096 series.
//
//   block 0                    block 1                    block 2
//   |0|1|2| ...        |4095|  |4096| ...         |8191|  |8192|8193|      room      |
//    full: exactly as long as its labels                   the last: grows by half
//
// Series in a row of one block are one view of its bytes, and a full block never moves: whatever holds such a view holds what
// is held anyway. Only views of the last block may keep bytes alive that it has left behind.

const BLOCK_BITS = 12;
/** As many as a batch of rows has at most (rowsPerBatchMax): a batch of a whole chunk shares its block's bytes. */
export const BLOCK_SERIES: number = 1 << BLOCK_BITS;
const BLOCK_MASK = BLOCK_SERIES - 1;
const FIRST_BYTES = 4 * 1024;

interface Block {
  bytes: Uint8Array;
  /** Ends of the labels within `bytes`, by ref less the block's first. */
  ends: Uint32Array;
}

export class LabelBlocks {
  readonly #blocks: Block[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#blocks.reduce((sum, { bytes, ends }) => sum + bytes.length + ends.byteLength, 0);
  }

  /** Adds the labels of the next ref. Returns whether views of the last block's series are out of date: it has moved. */
  add(labels: Uint8Array, start: number, end: number): boolean {
    const ref = this.#count++;
    const index = ref & BLOCK_MASK;
    if (index === 0) this.#blocks.push({ bytes: new Uint8Array(FIRST_BYTES), ends: new Uint32Array(64) });
    const block = this.#blocks[ref >>> BLOCK_BITS] as Block;
    const from = startIn(block, index);
    const to = from + end - start;
    let moved = false;
    if (to > block.bytes.length) {
      block.bytes = resized(block.bytes, from, Math.max(to, Math.ceil(block.bytes.length * 1.5)));
      moved = true;
    }
    block.bytes.set(labels.subarray(start, end), from);
    if (index === block.ends.length) {
      const ends = new Uint32Array(index * 2);
      ends.set(block.ends);
      block.ends = ends;
    }
    block.ends[index] = to;
    if (index < BLOCK_MASK || to === block.bytes.length) return moved;
    block.bytes = block.bytes.slice(0, to);
    return true;
  }

  /** A view: it never changes. */
  labelsOf(ref: number): Uint8Array {
    const block = this.blockOf(ref);
    return block.bytes.subarray(this.startOf(ref), this.endOf(ref));
  }

  /** Whether `count` series from `first` on are one run of bytes. */
  isRun(first: number, count: number): boolean {
    return count > 0 && first >>> BLOCK_BITS === (first + count - 1) >>> BLOCK_BITS;
  }

  /** The bytes of a run, a view, and the ends in it. Requires `isRun`. */
  run(first: number, count: number): { readonly labelBytes: Uint8Array; readonly labelEnds: Uint32Array } {
    assert(this.isRun(first, count), 'a run lies in one block');
    const start = this.startOf(first);
    const labelEnds = new Uint32Array(count);
    for (let i = 0; i < count; i++) labelEnds[i] = this.endOf(first + i) - start;
    return { labelBytes: this.blockOf(first).bytes.subarray(start, this.endOf(first + count - 1)), labelEnds };
  }

  /** What holds the labels of a ref, between `startOf` and `endOf`. */
  blockOf(ref: number): { readonly bytes: Uint8Array } {
    assert(ref < this.#count, 'a ref is below the count');
    return this.#blocks[ref >>> BLOCK_BITS] as Block;
  }

  startOf(ref: number): number {
    return startIn(this.#blocks[ref >>> BLOCK_BITS] as Block, ref & BLOCK_MASK);
  }

  endOf(ref: number): number {
    return (this.#blocks[ref >>> BLOCK_BITS] as Block).ends[ref & BLOCK_MASK] as number;
  }
}

function startIn(block: Block, index: number): number {
  return index === 0 ? 0 : (block.ends[index - 1] as number);
}

function resized(bytes: Uint8Array, used: number, size: number): Uint8Array {
  const wider = new Uint8Array(size);
  wider.set(bytes.subarray(0, used));
  return wider;
}
