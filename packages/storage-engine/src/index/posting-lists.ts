import { assert } from '@tidemark/base';

// Many rising lists of refs in one piece of memory, some one and a half bytes an entry where a JavaScript array takes eight to
// twelve: a series stands in a list for each of its labels.
//
//   list    := first ref, then distances as uvarints, in slices, each twice the one before
//   slices     8 ──> 16 ──> 32 ─ ... ─> 256 ──> 256         bytes, taken from the arena one after the other
//   slice   := bytes of distances byte[size - 4] | where the next begins u32
//
// A list of one ref has no slice yet. Nothing is given back: lists go with all the others.

const FIRST_SLICE = 8;
const LAST_SLICE = 256;
const NEXT_BYTES = 4;
const LEAST_LISTS = 16;

export class PostingLists {
  /** Lists, numbered 0, 1, 2, ... */
  #count = 0;
  #firstRefs = new Uint32Array(LEAST_LISTS);
  #lastRefs = new Uint32Array(LEAST_LISTS);
  #lengths = new Uint32Array(LEAST_LISTS);
  #firstSlices = new Uint32Array(LEAST_LISTS);
  /** Where the next byte goes. */
  #ends = new Uint32Array(LEAST_LISTS);
  /** Bytes left in the last slice, and its size: 0 and 0 where there is none. */
  #left = new Uint8Array(LEAST_LISTS);
  #sizes = new Uint16Array(LEAST_LISTS);
  #arena = new Uint8Array(256);
  #used = 0;

  get bytes(): number {
    return this.#arena.length + this.#firstRefs.length * 23;
  }

  /** A list of one ref; returns its number. */
  begin(ref: number): number {
    const list = this.#count++;
    if (list === this.#firstRefs.length) this.#grow();
    this.#firstRefs[list] = ref;
    this.#lastRefs[list] = ref;
    this.#lengths[list] = 1;
    return list;
  }

  /** Requires a ref above all in the list. */
  add(list: number, ref: number): void {
    let distance = ref - (this.#lastRefs[list] as number);
    assert(distance > 0, 'refs of a list rise');
    this.#lastRefs[list] = ref;
    this.#lengths[list] = (this.#lengths[list] as number) + 1;
    for (; distance >= 0x80; distance >>>= 7) this.#put(list, (distance & 0x7f) | 0x80);
    this.#put(list, distance);
  }

  lengthOf(list: number): number {
    return this.#lengths[list] as number;
  }

  refsOf(list: number): number[] {
    const length = this.#lengths[list] as number;
    const arena = this.#arena;
    let ref = this.#firstRefs[list] as number;
    const refs = [ref];
    let at = this.#firstSlices[list] as number;
    let size = FIRST_SLICE;
    let end = at + size - NEXT_BYTES;
    while (refs.length < length) {
      let distance = 0;
      for (let shift = 0; ; shift += 7) {
        if (at === end) {
          at = readU32(arena, end);
          size = Math.min(size * 2, LAST_SLICE);
          end = at + size - NEXT_BYTES;
        }
        const byte = arena[at++] as number;
        distance |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      ref += distance >>> 0;
      refs.push(ref);
    }
    return refs;
  }

  #put(list: number, byte: number): void {
    if (this.#left[list] === 0) this.#addSlice(list);
    this.#arena[this.#ends[list] as number] = byte;
    this.#ends[list] = (this.#ends[list] as number) + 1;
    this.#left[list] = (this.#left[list] as number) - 1;
  }

  #addSlice(list: number): void {
    const before = this.#sizes[list] as number;
    const size = before === 0 ? FIRST_SLICE : Math.min(before * 2, LAST_SLICE);
    const at = this.#used;
    if (at + size > this.#arena.length) this.#arena = grown(this.#arena, Uint8Array, at + size);
    this.#used = at + size;
    assert(this.#used <= 0xffff_ffff, 'addresses in the arena are u32');
    if (before === 0) this.#firstSlices[list] = at;
    else writeU32(this.#arena, this.#ends[list] as number, at);
    this.#ends[list] = at;
    this.#sizes[list] = size;
    this.#left[list] = size - NEXT_BYTES;
  }

  #grow(): void {
    const least = this.#count + 1;
    this.#firstRefs = grown(this.#firstRefs, Uint32Array, least);
    this.#lastRefs = grown(this.#lastRefs, Uint32Array, least);
    this.#lengths = grown(this.#lengths, Uint32Array, least);
    this.#firstSlices = grown(this.#firstSlices, Uint32Array, least);
    this.#ends = grown(this.#ends, Uint32Array, least);
    this.#left = grown(this.#left, Uint8Array, least);
    this.#sizes = grown(this.#sizes, Uint16Array, least);
  }
}

/** A quarter more room, and at least `least`. */
function grown<A extends Uint8Array | Uint16Array | Uint32Array>(
  old: A,
  make: new (length: number) => A,
  least: number,
): A {
  const wider = new make(Math.max(least, Math.ceil(old.length * 1.25)));
  wider.set(old);
  return wider;
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
