import { reservePoints, type SlotBlock } from './slot-block.ts';

// The points of 512 series in a window whose rows are out, packed: a quarter of what they took. Late points are few, so most
// are opened once more, when the window is over.
//
//   slot   := times u8 (1: those of the slot before) | time u16 each where 0 | value*           only slots with points
//   value  := skipped and kept bytes u8 (4 bits each) | byte[kept]     bits xor those of the value before, the first: as they are
//
//   40 59 00 00 00 00 00 00      100.0        xor  the value before   00 00 80 00 00 00 00 00
//                                                                    skipped 2, kept 1: 21 80
//
// A value that repeats takes a byte, a counter of whole numbers two or three. In memory only.

/** Of a slot whose times are none of the one before: a byte; of a value: its two nibbles and eight bytes. */
const SLOT_BYTES_MAX = 1;
const POINT_BYTES_MAX = 2 + 9;

const xorWords = new Uint32Array(2);
const xorBytes = new Uint8Array(xorWords.buffer);
// Packing fills it, a copy of what was filled is kept. It grows to the largest block there was: 30 KB where scrapes are 10 s apart.
let scratch = new Uint8Array(0);

export class PackedBlock {
  readonly slots: number;
  readonly counts: Uint16Array;
  readonly highest: Uint32Array;
  /** Points of all slots. */
  readonly points: number;
  /** Only a block that was sent as it is gets packed. */
  readonly emitted = true;
  readonly dirtyCount = 0;
  readonly #bytes: Uint8Array;

  /** Requires: `block` was emitted and nothing changed since. */
  constructor(block: SlotBlock) {
    this.slots = block.slots;
    this.counts = block.counts.slice(0, block.slots);
    this.highest = block.highest.slice(0, block.slots);
    this.points = this.counts.reduce((sum, count) => sum + count, 0);
    const bytesMax = this.slots * SLOT_BYTES_MAX + this.points * POINT_BYTES_MAX;
    if (scratch.length < bytesMax) scratch = new Uint8Array(bytesMax);
    this.#bytes = scratch.slice(0, pack(block, scratch));
  }

  get memoryBytes(): number {
    return this.#bytes.length + this.slots * 6;
  }

  /** Requires an empty block. */
  unpackInto(block: SlotBlock): void {
    reservePoints(block, this.points);
    block.counts.set(this.counts);
    block.capacities.set(this.counts);
    block.highest.set(this.highest);
    block.slots = this.slots;
    block.used = this.points;
    block.emitted = true;
    unpack(this.#bytes, block);
  }
}

/** Returns how many bytes of `out` were filled. */
function pack({ counts, starts, times, words, slots }: SlotBlock, out: Uint8Array): number {
  let to = 0;
  let before = 0;
  let countBefore = 0;
  for (let slot = 0; slot < slots; slot++) {
    const count = counts[slot] as number;
    if (count === 0) continue;
    const start = starts[slot] as number;
    const same = count === countBefore && sameTimes(times, start, before, count);
    out[to++] = same ? 1 : 0;
    for (let i = start; !same && i < start + count; i++) {
      out[to++] = times[i] as number;
      out[to++] = (times[i] as number) >>> 8;
    }
    to = packValues(words, start, count, out, to);
    before = start;
    countBefore = count;
  }
  return to;
}

function packValues(words: Uint32Array, start: number, count: number, out: Uint8Array, from: number): number {
  let to = from;
  let low = 0;
  let high = 0;
  for (let i = start; i < start + count; i++) {
    const nextLow = words[i * 2] as number;
    const nextHigh = words[i * 2 + 1] as number;
    const x = nextLow ^ low;
    const y = nextHigh ^ high;
    low = nextLow;
    high = nextHigh;
    if ((x | y) === 0) {
      out[to++] = 0;
      continue;
    }
    xorWords[0] = x;
    xorWords[1] = y;
    let first = 0;
    while (xorBytes[first] === 0) first++;
    let last = 7;
    while (xorBytes[last] === 0) last--;
    out[to++] = (first << 4) | (last - first + 1);
    for (let byte = first; byte <= last; byte++) out[to++] = xorBytes[byte] as number;
  }
  return to;
}

function unpack(bytes: Uint8Array, { counts, starts, times, words, slots }: SlotBlock): void {
  let at = 0;
  let start = 0;
  let before = 0;
  for (let slot = 0; slot < slots; slot++) {
    const count = counts[slot] as number;
    if (count === 0) continue;
    starts[slot] = start;
    if (bytes[at++] === 1) times.copyWithin(start, before, before + count);
    else {
      for (let i = start; i < start + count; i++, at += 2)
        times[i] = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    }
    at = unpackValues(bytes, at, words, start, count);
    before = start;
    start += count;
  }
}

function unpackValues(bytes: Uint8Array, from: number, words: Uint32Array, start: number, count: number): number {
  let at = from;
  let low = 0;
  let high = 0;
  for (let i = start; i < start + count; i++) {
    const head = bytes[at++] as number;
    if (head !== 0) {
      xorWords.fill(0);
      const first = head >>> 4;
      for (let byte = first; byte < first + (head & 15); byte++) xorBytes[byte] = bytes[at++] as number;
      low ^= xorWords[0] as number;
      high ^= xorWords[1] as number;
    }
    words[i * 2] = low;
    words[i * 2 + 1] = high;
  }
  return at;
}

function sameTimes(times: Uint16Array, a: number, b: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (times[a + i] !== times[b + i]) return false;
  return true;
}
