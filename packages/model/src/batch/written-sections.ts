import { bytesEqual, hash32 } from '@tidemark/base';
import type { SeriesSection } from './series-section.ts';

// Sections that this process packed, found again by their packed bytes for as long as somebody else holds them.
//
//   producer ── section ──> packed ──> log ──> packed ──> consumer that is behind: the producer's own section
//                  └────── weakly ────────────────┘
//
// A consumer that has to decode a batch of this very process gets labels that are in memory already, and that it has
// probably resolved before. Nothing is kept alive from here.

/** The least of entries before those of sections that are gone are swept out: some 100 KB. */
const LEAST_SWEEP = 1024;

/** A hold that lets go when nobody else holds: a WeakRef, or in a test what is told to. */
export interface SectionHold {
  deref(): SeriesSection | undefined;
}

export class WrittenSections {
  readonly #packedOf: (section: SeriesSection) => Uint8Array | undefined;
  readonly #hold: (section: SeriesSection) => SectionHold;
  readonly #byHash = new Map<number, SectionHold>();
  #sweepAt = LEAST_SWEEP;

  /** `packedOf`: a section's packed bytes, as long as they are known. */
  constructor(
    packedOf: (section: SeriesSection) => Uint8Array | undefined,
    hold: (section: SeriesSection) => SectionHold = (section) => new WeakRef(section),
  ) {
    this.#packedOf = packedOf;
    this.#hold = hold;
  }

  /** Entries, those of sections that are gone included. */
  get size(): number {
    return this.#byHash.size;
  }

  add(section: SeriesSection, packed: Uint8Array): void {
    if (this.#byHash.size >= this.#sweepAt) this.#sweep();
    this.#byHash.set(hash32(packed, 0, packed.length, section.count), this.#hold(section));
  }

  /** The section of these bytes; `hash` is theirs, seeded with the number of series. */
  find(hash: number, bytes: Uint8Array, count: number): SeriesSection | undefined {
    const section = this.#byHash.get(hash)?.deref();
    if (section === undefined || section.count !== count) return undefined;
    const packed = this.#packedOf(section);
    return packed && bytesEqual(packed, 0, packed.length, bytes, 0, bytes.length) ? section : undefined;
  }

  #sweep(): void {
    for (const [hash, hold] of this.#byHash) if (hold.deref() === undefined) this.#byHash.delete(hash);
    this.#sweepAt = Math.max(LEAST_SWEEP, this.#byHash.size * 2);
  }
}
