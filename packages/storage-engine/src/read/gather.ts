import { bytesEqual, hash32 } from '@tidemark/base';
import { type Matcher, METRIC_NAME, matcher, type TimeRange } from '@tidemark/model';
import type { Tombstone } from '../deletes/tombstone.ts';
import { storageError } from '../errors.ts';
import type { GatheredSeries, LabelOwner } from './chunk-ref.ts';

/** What is asked of every part of the engine. */
export interface GatherRequest {
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  readonly range: TimeRange;
  /** Only of these; absent: of all. */
  readonly partitions?: readonly number[];
  /** Only which series have a piece in the range: neither chunks nor runs are gathered. */
  readonly labelsOnly?: boolean;
  /** The newest entry of each series in the range is enough; older ones may come. Requires that nothing is taken off later. */
  readonly newestOnly?: boolean;
  /** Deletes that may mean something in the part that is asked. */
  readonly deletes?: readonly Tombstone[];
}

// Slots of the table are twice the series, so that probing stays short.
const SLOTS_MIN = 1024;

/** What the parts answered, by series, and how to let go of them. */
export class Gathered {
  series: GatheredSeries[] = [];
  readonly warnings = new Set<string>();
  readonly #seriesMax: number;
  readonly #releases: (() => void)[] = [];
  /** How many were taken out, or only counted. */
  #taken = 0;
  #hashes = new Uint32Array(SLOTS_MIN / 2);
  /** Number in `series` plus one, or 0. */
  #slots = new Uint32Array(SLOTS_MIN);

  constructor(seriesMax: number) {
    this.#seriesMax = seriesMax;
  }

  /** The series that `owner` knows as `ref`: the one with its labels, made if new. Throws `SELECT_TOO_MANY_SERIES`. */
  of(owner: LabelOwner, ref: number): GatheredSeries {
    const labelBytes = owner.labelBytes(ref);
    const hash = hash32(labelBytes);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = (this.#slots[slot] as number) - 1;
      const known = this.series[at] as GatheredSeries;
      if (this.#hashes[at] !== hash) continue;
      if ((known.owner === owner && known.ref === ref) || sameBytes(known.owner.labelBytes(known.ref), labelBytes))
        return known;
    }
    const series = this.add(owner, ref);
    const at = this.series.length - 1;
    while (at >= this.#hashes.length) this.#grow();
    this.#hashes[at] = hash;
    this.#put(hash, at);
    return series;
  }

  /** A series that nobody else has, and that is asked for once. Throws `SELECT_TOO_MANY_SERIES`. */
  add(owner: LabelOwner, ref: number): GatheredSeries {
    this.#checkRoom();
    const series = { owner, ref, chunks: [], runs: [] };
    this.series.push(series);
    return series;
  }

  /** A series that nobody else has, and that is not gathered but decoded at once. Throws `SELECT_TOO_MANY_SERIES`. */
  countOne(): void {
    this.#checkRoom();
    this.#taken++;
  }

  #checkRoom(): void {
    if (this.#taken + this.series.length >= this.#seriesMax) throw tooManySeries(this.#seriesMax);
  }

  /** Takes out what is there, to be worked on while more comes. Requires: all of it is whole. */
  takeOut(): readonly GatheredSeries[] {
    const { series } = this;
    this.series = [];
    this.#taken += series.length;
    this.#slots.fill(0);
    return series;
  }

  #put(hash: number, at: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = at + 1;
  }

  #grow(): void {
    const hashes = new Uint32Array(this.#hashes.length * 2);
    hashes.set(this.#hashes);
    const known = this.#hashes.length;
    this.#hashes = hashes;
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let at = 0; at < Math.min(known, this.series.length); at++) this.#put(hashes[at] as number, at);
  }

  /** Called once when the answer is made, whatever came of it. */
  onRelease(release: () => void): void {
    this.#releases.push(release);
  }

  release(): void {
    for (const release of this.#releases.splice(0)) release();
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && bytesEqual(a, 0, a.length, b, 0, b.length);
}

function tooManySeries(limit: number): Error {
  return storageError(
    'SELECT_TOO_MANY_SERIES',
    `the query selects more than ${limit} series; narrow its matchers or its range`,
    { limit, found: limit + 1 },
  );
}

/** Matches every series: for label questions without matchers. */
export const EVERYTHING: readonly Matcher[] = [matcher('=~', METRIC_NAME, '.*')];
