import { LRUCache } from 'lru-cache';
import { storageError } from '../errors.ts';
import type { RangeReader } from '../segment/reader.ts';
import type { RangeSource } from './disk-cache.ts';

// Ranges of immutable objects, kept in memory up to a number of bytes.
//
//   read a, read a      two readers of one range share one request
//   together a b c      neighbours are fetched with one request and kept each for itself: other readers want others together

// A request costs 1.5 ms of CPU and tens of milliseconds of waiting; a megabyte of the rest is there in ten.
const TOGETHER_BYTES_MAX = 1024 * 1024;

interface Range {
  readonly offset: number;
  readonly length: number;
}

export class RangeCache {
  readonly #store: RangeSource;
  readonly #ranges: LRUCache<string, Uint8Array>;
  readonly #underWay = new Map<string, Promise<Uint8Array>>();
  #hits = 0;
  #misses = 0;

  constructor(store: RangeSource, bytesMax: number) {
    this.#store = store;
    this.#ranges = new LRUCache({ maxSize: bytesMax, sizeCalculation: (bytes) => bytes.length + 200 });
  }

  get counts(): { readonly hits: number; readonly misses: number; readonly bytes: number } {
    return { hits: this.#hits, misses: this.#misses, bytes: this.#ranges.calculatedSize };
  }

  ranges(name: string, size: number): RangeReader {
    return { name, size, read: (start, length) => this.#read(name, start, length) };
  }

  /** Ranges that are about to be read: those that lie side by side are asked for as one. */
  together(name: string, ranges: readonly Range[]): void {
    const wanted = ranges.filter((range) => !this.#has(keyOf(name, range)));
    for (const run of runsOf(wanted)) if (run.length > 1) this.#fetchRun(name, run);
  }

  /** Forgets an object, damaged or deleted. */
  forget(name: string): void {
    this.#store.forget?.(name);
    for (const key of this.#ranges.keys()) if (key.startsWith(`${name}#`)) this.#ranges.delete(key);
  }

  async #read(name: string, start: number, length: number): Promise<Uint8Array> {
    const key = keyOf(name, { offset: start, length });
    const known = this.#ranges.get(key);
    if (known !== undefined) {
      this.#hits++;
      return known;
    }
    let request = this.#underWay.get(key);
    if (request === undefined) {
      this.#misses++;
      request = this.#fetch(name, start, length).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, request);
    }
    const bytes = await request;
    this.#ranges.set(key, bytes);
    return bytes;
  }

  #has(key: string): boolean {
    return this.#ranges.has(key) || this.#underWay.has(key);
  }

  #fetchRun(name: string, run: readonly Range[]): void {
    const [{ offset: start }, { offset, length }] = [run[0] as Range, run.at(-1) as Range];
    this.#misses++;
    const all = this.#fetch(name, start, offset + length - start);
    for (const range of run) {
      const key = keyOf(name, range);
      const from = range.offset - start;
      // A copy: what is let go first must not hold the others.
      const piece = all
        .then((bytes) => new Uint8Array(bytes.subarray(from, from + range.length)))
        .finally(() => this.#underWay.delete(key));
      piece.catch(() => undefined); // told to whoever reads it
      this.#underWay.set(key, piece);
    }
  }

  async #fetch(name: string, start: number, length: number): Promise<Uint8Array> {
    const bytes = await this.#store.getRange(name, start, length);
    if (bytes.length === length) return bytes;
    throw storageError('SEGMENT_CORRUPT', `segment ${name} ends at ${start + bytes.length}, not where its entry says`, {
      name,
      start,
      length,
    });
  }
}

const keyOf = (name: string, { offset, length }: Range) => `${name}#${offset}+${length}`;

/** Neighbours, in order of their bytes, up to `TOGETHER_BYTES_MAX`. */
function runsOf(ranges: readonly Range[]): Range[][] {
  const runs: Range[][] = [];
  let endsAt = -1;
  let startsAt = 0;
  for (const range of [...ranges].sort((a, b) => a.offset - b.offset)) {
    const end = range.offset + range.length;
    const run = runs.at(-1);
    if (run !== undefined && range.offset === endsAt && end - startsAt <= TOGETHER_BYTES_MAX) run.push(range);
    else {
      runs.push([range]);
      startsAt = range.offset;
    }
    endsAt = end;
  }
  return runs;
}
