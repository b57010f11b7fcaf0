import { hash32 } from '@tidemark/base';
import { KeptSection, type SeriesSection } from '@tidemark/model';

// Sections of requests that repeat: the same series in the same order get the same object, so that whoever resolved or
// encoded it once can keep what it found by identity.
//
//   first sighting of a sequence   only its hash is noted       a sender whose requests slide over its series
//   second                         the section is kept          never fills the cache with what will not come again
//
// Two generations: what was not asked for while one half filled up is gone. Labels of sections that come round after round are
// let go once everybody has resolved them (model's kept-section.ts).

// Sequences whose first sighting is remembered: few at first, since most tenants send little. At most 64 Ki: 4 partitions x
// 16,000 requests of 500 series are 8 million series.
const SIGHTINGS_FIRST = 256;
const SIGHTINGS_MAX = 64 * 1024;

interface Kept {
  readonly partition: number;
  readonly refs: Uint32Array;
  readonly section: KeptSection;
  /** Refs, label bytes, ends, types, and some 200 bytes of objects. Labels count when they are let go: they may come back. */
  readonly bytes: number;
}

export class SectionCache {
  readonly #halfMax: number;
  #sighted = new Uint32Array(SIGHTINGS_FIRST);
  #sightings = 0;
  #young = new Map<number, Kept>();
  #old = new Map<number, Kept>();
  #youngBytes = 0;
  #oldBytes = 0;
  #askedHash = 0;

  constructor(bytesMax: number) {
    this.#halfMax = bytesMax / 2;
  }

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes + this.noteBytes;
  }

  get noteBytes(): number {
    return this.#sighted.byteLength;
  }

  get(partition: number, refs: Uint32Array): SeriesSection | undefined {
    const hash = hash32(new Uint8Array(refs.buffer, refs.byteOffset, refs.byteLength), 0, refs.byteLength, partition);
    this.#askedHash = hash;
    const young = this.#young.get(hash);
    const old = young && isSame(young, partition, refs) ? young : this.#old.get(hash);
    if (!old || !isSame(old, partition, refs)) return undefined;
    if (old !== young) this.#keep(hash, old);
    old.section.rest();
    return old.section;
  }

  /** Notes or keeps what `get` has just missed. Returns the section. */
  put(partition: number, refs: Uint32Array, section: SeriesSection): SeriesSection {
    const hash = this.#askedHash;
    if (this.#sighted[hash % this.#sighted.length] === hash) {
      const kept = new KeptSection(section);
      const bytes = section.labelBytes.length + refs.length * 9 + 200;
      this.#keep(hash, { partition, refs: refs.slice(), section: kept, bytes });
      return kept;
    }
    this.#note(hash);
    return section;
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngBytes = 0;
    this.#oldBytes = 0;
    this.#sighted = new Uint32Array(SIGHTINGS_FIRST);
    this.#sightings = 0;
  }

  #note(hash: number): void {
    // Room for twice as many as were noted; those before are noted anew at their next sighting.
    if (++this.#sightings * 2 > this.#sighted.length && this.#sighted.length < SIGHTINGS_MAX) {
      this.#sighted = new Uint32Array(this.#sighted.length * 2);
    }
    this.#sighted[hash % this.#sighted.length] = hash;
  }

  #keep(hash: number, kept: Kept): void {
    const { bytes } = kept;
    if (bytes > this.#halfMax) return;
    if (this.#youngBytes + bytes > this.#halfMax) {
      this.#old = this.#young;
      this.#oldBytes = this.#youngBytes;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    const replaced = this.#young.get(hash);
    if (replaced) this.#youngBytes -= replaced.bytes;
    this.#young.set(hash, kept);
    this.#youngBytes += bytes;
  }
}

function isSame(kept: Kept, partition: number, refs: Uint32Array): boolean {
  if (kept.partition !== partition || kept.refs.length !== refs.length) return false;
  for (let i = 0; i < refs.length; i++) if (kept.refs[i] !== refs[i]) return false;
  return true;
}
