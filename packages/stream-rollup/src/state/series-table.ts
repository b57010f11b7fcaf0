import { ByteWriter, bytesEqual, hash32 } from '@tidemark/base';
import { labelStart, METRIC_TYPES, type SeriesSection } from '@tidemark/model';
import { LabelBlocks } from './label-blocks.ts';

// The series of one tenant, numbered by arrival: a series is a dense u32, its ref, valid until the next `retain`.
//
//   section (a batch's series)  --same object as before?-->  refs, from a WeakMap
//                               --else, per series-------->  the ref after the last one?  (requests name their series in
//                                                            the order of the last one)  else hash table; labels compared
//
// Labels are kept as canonical bytes, in blocks (label-blocks.ts).

/** Stands for a series the table had no room for. */
export const NO_SERIES = 0xffff_ffff;

const LOAD_NUMERATOR = 2; // table slots per series, at least: linear probing stays short below one half
const UNKNOWN_TYPE = METRIC_TYPES.indexOf('unknown');

export class SeriesTable {
  readonly #room: () => number;
  #labels = new LabelBlocks();
  #hashes = new Uint32Array(64);
  #types = new Uint8Array(64);
  readonly #units = new Map<number, string>();
  #table = new Int32Array(128).fill(-1);
  #count = 0;
  #sections = new WeakMap<SeriesSection, Uint32Array>();
  /** Rises when something known about a series changes: sections built before are out of date. */
  version = 0;

  /** `room` says how many more series there may be. */
  constructor(room: () => number) {
    this.#room = room;
  }

  get count(): number {
    return this.#count;
  }

  /** The ref of each series of the section; new ones get the next. `NO_SERIES` when there is no room. */
  resolve(section: SeriesSection): Uint32Array {
    const known = this.#sections.get(section);
    if (known) return known;
    const refs = new Uint32Array(section.count);
    let complete = true;
    let previous = -1;
    for (let i = 0; i < section.count; i++) {
      const start = labelStart(section, i);
      const end = section.labelEnds[i] as number;
      const next = previous + 1;
      const ref = this.#isAt(next, section.labelBytes, start, end) ? next : this.add(section.labelBytes, start, end);
      refs[i] = ref;
      if (ref === NO_SERIES) {
        complete = false;
        continue;
      }
      this.describe(ref, section.types[i] as number, section.units?.[i] ?? '');
      previous = ref;
    }
    // A section with a series left out is looked at again, when there may be room.
    if (complete) this.#sections.set(section, refs);
    return refs;
  }

  /** The ref of the series with these canonical labels, made if new. */
  add(bytes: Uint8Array, start: number, end: number): number {
    const hash = hash32(bytes, start, end);
    const mask = this.#table.length - 1;
    let at = hash & mask;
    for (;;) {
      const ref = this.#table[at] as number;
      if (ref < 0) break;
      if (this.#hashes[ref] === hash && this.#isAt(ref, bytes, start, end)) return ref;
      at = (at + 1) & mask;
    }
    if (this.#room() <= 0) return NO_SERIES;
    const ref = this.#count++;
    if (ref === this.#hashes.length) this.#grow();
    // Sections that are views of what the block was would keep it alive.
    if (this.#labels.add(bytes, start, end)) this.version++;
    this.#hashes[ref] = hash;
    this.#types[ref] = UNKNOWN_TYPE;
    this.#table[at] = ref;
    if (this.#count * LOAD_NUMERATOR > this.#table.length) this.#rehash(this.#table.length * 2);
    return ref;
  }

  /** Keeps what is known: a type or unit replaces none or another, never is it replaced by none. */
  describe(ref: number, type: number, unit: string): void {
    if (type !== UNKNOWN_TYPE && this.#types[ref] !== type) {
      this.#types[ref] = type;
      this.version++;
    }
    if (unit !== '' && this.#units.get(ref) !== unit) {
      this.#units.set(ref, unit);
      this.version++;
    }
  }

  typeOf(ref: number): number {
    return this.#types[ref] as number;
  }

  unitOf(ref: number): string {
    return this.#units.get(ref) ?? '';
  }

  /** The canonical labels: a view, which never changes. */
  labelsOf(ref: number): Uint8Array {
    return this.#labels.labelsOf(ref);
  }

  /** A section of these series, in this order. Series in a row of one block share its label bytes, which never change. */
  sectionOf(refs: Uint32Array): SeriesSection {
    const first = refs[0] ?? 0;
    const isRun = this.#labels.isRun(first, refs.length) && refs.every((ref, i) => ref === first + i);
    const { labelBytes, labelEnds } = isRun ? this.#labels.run(first, refs.length) : this.#labelsOfSome(refs);
    const types = new Uint8Array(refs.length);
    let units: string[] | undefined;
    for (let i = 0; i < refs.length; i++) {
      const ref = refs[i] as number;
      types[i] = this.typeOf(ref);
      const unit = this.unitOf(ref);
      if (unit === '') continue;
      units ??= new Array<string>(refs.length).fill('');
      units[i] = unit;
    }
    return { count: refs.length, labelBytes, labelEnds, types, units, startTimesMs: undefined };
  }

  #labelsOfSome(refs: Uint32Array): { labelBytes: Uint8Array; labelEnds: Uint32Array } {
    const labels = new ByteWriter(refs.length * 128);
    const labelEnds = new Uint32Array(refs.length);
    for (let i = 0; i < refs.length; i++) {
      labels.raw(this.labelsOf(refs[i] as number));
      labelEnds[i] = labels.length;
    }
    return { labelBytes: labels.finish(), labelEnds };
  }

  /** Forgets the series whose `keep` is 0 and numbers the rest anew, in order. Returns old ref -> new, or `NO_SERIES`. */
  retain(keep: Uint8Array): Uint32Array {
    const moved = new Uint32Array(this.#count).fill(NO_SERIES);
    const labels = new LabelBlocks();
    let count = 0;
    for (let ref = 0; ref < this.#count; ref++) {
      if (keep[ref] === 0) {
        this.#units.delete(ref);
        continue;
      }
      const kept = this.labelsOf(ref);
      labels.add(kept, 0, kept.length);
      const unit = this.#units.get(ref);
      if (unit !== undefined && count !== ref) {
        this.#units.delete(ref);
        this.#units.set(count, unit);
      }
      moved[ref] = count;
      this.#hashes[count] = this.#hashes[ref] as number;
      this.#types[count] = this.#types[ref] as number;
      count++;
    }
    this.#labels = labels;
    this.#count = count;
    this.#sections = new WeakMap();
    this.version++;
    this.#rehash(Math.max(128, 2 ** Math.ceil(Math.log2((count + 1) * LOAD_NUMERATOR * 2))));
    return moved;
  }

  get memoryBytes(): number {
    return this.#labels.bytes + this.#hashes.length * 5 + this.#table.length * 4;
  }

  #isAt(ref: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (ref >= this.#count) return false;
    const { bytes: known } = this.#labels.blockOf(ref);
    return bytesEqual(known, this.#labels.startOf(ref), this.#labels.endOf(ref), bytes, start, end);
  }

  #grow(): void {
    const size = this.#hashes.length * 2;
    const hashes = new Uint32Array(size);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const types = new Uint8Array(size);
    types.set(this.#types);
    this.#types = types;
  }

  #rehash(size: number): void {
    const table = new Int32Array(size).fill(-1);
    const mask = size - 1;
    for (let ref = 0; ref < this.#count; ref++) {
      let at = (this.#hashes[ref] as number) & mask;
      while ((table[at] as number) >= 0) at = (at + 1) & mask;
      table[at] = ref;
    }
    this.#table = table;
  }
}
