import { assert, bytesEqual, hash32 } from '@tidemark/base';
import { decodeLabels, type Label, type Labels } from '@tidemark/model';
import type { LabelOwner } from './chunk-ref.ts';

// Labels of series as text, kept between reads: decoding costs some microseconds a series, and a query of all of them asks again
// and again.
//
//   series (owner, number) ──known──▶ its labels
//       └ new: each label's bytes ──hash, compare──▶ the one object for it; decoded only if no series had it before
//
// A series is known by who numbers it (a registry, the index of a segment) and its number there; both are forgotten with their
// owner. When there are too many, all go: what is asked now comes back at once.

export interface LabelTextsLimits {
  /** Series whose labels are kept: some 150 B each. */
  readonly seriesMax: number;
  /** Different labels that are kept: some 250 B each. */
  readonly labelsMax: number;
}

const LIMITS: LabelTextsLimits = { seriesMax: 250_000, labelsMax: 200_000 };
const SLOTS_MIN = 1024;

export class LabelTexts {
  readonly #limits: LabelTextsLimits;
  #byOwner = new WeakMap<LabelOwner, Map<number, Labels>>();
  #seriesCount = 0;
  readonly #labels: Label[] = [];
  readonly #bytes: Uint8Array[] = [];
  readonly #hashes: number[] = [];
  /** Number of a label plus one, or 0; at most half full. */
  #slots = new Uint32Array(SLOTS_MIN);

  constructor(limits = LIMITS) {
    this.#limits = limits;
  }

  of(owner: LabelOwner, ref: number): Labels {
    let known = this.#byOwner.get(owner);
    const found = known?.get(ref);
    if (found !== undefined) return found;
    if (this.#seriesCount >= this.#limits.seriesMax || this.#labels.length >= this.#limits.labelsMax) {
      this.#forgetAll();
      known = undefined;
    }
    const labels = this.#read(owner.labelBytes(ref));
    if (known === undefined) {
      known = new Map();
      this.#byOwner.set(owner, known);
    }
    known.set(ref, labels);
    this.#seriesCount++;
    return labels;
  }

  #read(bytes: Uint8Array): Labels {
    const labels: Label[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = afterText(bytes, afterText(bytes, at));
      assert(end <= bytes.length, 'labels end where their bytes do');
      labels.push(this.#one(bytes, at, end));
      at = end;
    }
    // An array that grew has room for more than it holds, and this one is kept.
    return labels.slice();
  }

  #one(bytes: Uint8Array, start: number, end: number): Label {
    const hash = hash32(bytes, start, end);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = (this.#slots[slot] as number) - 1;
      if (this.#hashes[at] !== hash) continue;
      const known = this.#bytes[at] as Uint8Array;
      if (bytesEqual(known, 0, known.length, bytes, start, end)) return this.#labels[at] as Label;
    }
    const label = decodeLabels(bytes, start, end)[0] as Label;
    this.#slots[slot] = this.#labels.push(label);
    this.#bytes.push(bytes.slice(start, end));
    this.#hashes.push(hash);
    if (this.#labels.length * 2 > this.#slots.length) this.#grow();
    return label;
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (const [at, hash] of this.#hashes.entries()) {
      let slot = hash & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = at + 1;
    }
  }

  #forgetAll(): void {
    this.#byOwner = new WeakMap();
    this.#seriesCount = 0;
    this.#labels.length = 0;
    this.#bytes.length = 0;
    this.#hashes.length = 0;
    this.#slots = new Uint32Array(SLOTS_MIN);
  }
}

/** Behind the length and the text at `at`. */
function afterText(bytes: Uint8Array, at: number): number {
  let length = 0;
  let shift = 0;
  let byte: number;
  do {
    byte = bytes[at++] as number;
    length |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80);
  return at + length;
}
