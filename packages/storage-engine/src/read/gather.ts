import { bytesEqual, hash32 } from '@tidemark/base';
import { type Matcher, METRIC_NAME, matcher, type TimeRange } from '@tidemark/model';
import { storageError } from '../errors.ts';
import type { GatheredSeries } from './chunk-ref.ts';

/** What is asked of every part of the engine. */
export interface GatherRequest {
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  readonly range: TimeRange;
  /** Only which series have a piece in the range: neither chunks nor runs are gathered. */
  readonly labelsOnly?: boolean;
}

// Slots of the table are twice the series, so that probing stays short.
const SLOTS_MIN = 1024;

/** What the parts answered, by series, and how to let go of them. */
export class Gathered {
  readonly series: GatheredSeries[] = [];
  readonly warnings = new Set<string>();
  readonly #seriesMax: number;
  readonly #releases: (() => void)[] = [];
  #hashes = new Uint32Array(SLOTS_MIN / 2);
  /** Number in `series` plus one, or 0. */
  #slots = new Uint32Array(SLOTS_MIN);

  constructor(seriesMax: number) {
    this.#seriesMax = seriesMax;
  }

  /** The series with these labels, made if new: `owner` knows it as `ref`. Throws `SELECT_TOO_MANY_SERIES`. */
  of(labelBytes: Uint8Array, owner: object, ref: number): GatheredSeries {
    const hash = hash32(labelBytes);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = (this.#slots[slot] as number) - 1;
      const known = this.series[at] as GatheredSeries;
      if (this.#hashes[at] === hash && sameBytes(known.labelBytes, labelBytes)) return known;
    }
    if (this.series.length >= this.#seriesMax) throw tooManySeries(this.#seriesMax);
    const series = { labelBytes, owner, ref, chunks: [], runs: [] };
    const at = this.series.push(series) - 1;
    if (at === this.#hashes.length) this.#grow();
    this.#hashes[at] = hash;
    this.#put(hash, at);
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
    for (let at = 0; at < known; at++) this.#put(hashes[at] as number, at);
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
