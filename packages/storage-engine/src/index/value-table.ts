import { assert, hash32 } from '@tidemark/base';

// Which list a label's value has, found by the value's bytes: a million values cost no string each.
//
//   (name, bytes of the value) ── hash ──> slot := number + 1 ──> name u32, bytes at start u32 of length u16 in one arena
//
// Numbers are given by whoever adds, rising from any on; here they lie as they came, one a value.

const LEAST = 16;

export class ValueTable {
  #count = 0;
  #lists = new Uint32Array(LEAST);
  #names = new Uint32Array(LEAST);
  #starts = new Uint32Array(LEAST);
  #lengths = new Uint16Array(LEAST);
  #arena = new Uint8Array(256);
  #used = 0;
  /** Index of a value plus one, or 0; at most half full. */
  #slots = new Uint32Array(LEAST * 4);

  get bytes(): number {
    return this.#arena.length + this.#lists.length * 14 + this.#slots.length * 4;
  }

  /** Index of the value, or -1. */
  find(name: number, bytes: Uint8Array, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash32(bytes, start, end, name) & mask; ; slot = (slot + 1) & mask) {
      const at = (this.#slots[slot] as number) - 1;
      if (at < 0 || this.#is(at, name, bytes, start, end)) return at;
    }
  }

  listAt(index: number): number {
    return this.#lists[index] as number;
  }

  /** A view, until the next `add`. */
  bytesAt(index: number): Uint8Array {
    const start = this.#starts[index] as number;
    return this.#arena.subarray(start, start + (this.#lengths[index] as number));
  }

  /** Requires that it is not there. Returns its index: 0, 1, 2, ... */
  add(name: number, bytes: Uint8Array, start: number, end: number, list: number): number {
    const length = end - start;
    assert(length <= 0xffff, 'a value is shorter than all labels may be');
    const at = this.#count++;
    if (at === this.#lists.length) this.#grow();
    if (this.#used + length > this.#arena.length) this.#growArena(this.#used + length);
    for (let i = 0; i < length; i++) this.#arena[this.#used + i] = bytes[start + i] as number;
    this.#lists[at] = list;
    this.#names[at] = name;
    this.#starts[at] = this.#used;
    this.#lengths[at] = length;
    this.#used += length;
    if (this.#count * 2 > this.#slots.length) this.#rehash();
    else this.#put(at);
    return at;
  }

  #is(at: number, name: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = this.#lengths[at] as number;
    if (this.#names[at] !== name || length !== end - start) return false;
    const own = this.#starts[at] as number;
    const arena = this.#arena;
    for (let i = 0; i < length; i++) if (arena[own + i] !== bytes[start + i]) return false;
    return true;
  }

  #put(at: number): void {
    const start = this.#starts[at] as number;
    const mask = this.#slots.length - 1;
    let slot = hash32(this.#arena, start, start + (this.#lengths[at] as number), this.#names[at]) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = at + 1;
  }

  #rehash(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let at = 0; at < this.#count; at++) this.#put(at);
  }

  #grow(): void {
    const size = Math.ceil(this.#lists.length * 1.25);
    this.#lists = widened(this.#lists, new Uint32Array(size));
    this.#names = widened(this.#names, new Uint32Array(size));
    this.#starts = widened(this.#starts, new Uint32Array(size));
    this.#lengths = widened(this.#lengths, new Uint16Array(size));
  }

  #growArena(least: number): void {
    const size = Math.max(least, Math.ceil(this.#arena.length * 1.25));
    assert(size <= 0xffff_ffff, 'addresses in the arena are u32');
    this.#arena = widened(this.#arena, new Uint8Array(size));
  }
}

function widened<A extends Uint8Array | Uint16Array | Uint32Array>(old: A, wider: A): A {
  wider.set(old);
  return wider;
}
