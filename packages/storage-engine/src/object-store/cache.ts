import { LRUCache } from 'lru-cache';
import { storageError } from '../errors.ts';
import type { RangeReader } from '../segment/reader.ts';
import type { ObjectStore } from './object-store.ts';

/** Ranges of immutable objects, kept in memory up to a number of bytes. Two readers of one range share one request. */
export class RangeCache {
  readonly #store: ObjectStore;
  readonly #ranges: LRUCache<string, Uint8Array>;
  readonly #underWay = new Map<string, Promise<Uint8Array>>();
  #hits = 0;
  #misses = 0;

  constructor(store: ObjectStore, bytesMax: number) {
    this.#store = store;
    this.#ranges = new LRUCache({ maxSize: bytesMax, sizeCalculation: (bytes) => bytes.length + 200 });
  }

  get counts(): { readonly hits: number; readonly misses: number; readonly bytes: number } {
    return { hits: this.#hits, misses: this.#misses, bytes: this.#ranges.calculatedSize };
  }

  ranges(name: string, size: number): RangeReader {
    return { name, size, read: (start, length) => this.#read(name, start, length) };
  }

  /** Forgets an object, damaged or deleted. */
  forget(name: string): void {
    for (const key of this.#ranges.keys()) if (key.startsWith(`${name}#`)) this.#ranges.delete(key);
  }

  async #read(name: string, start: number, length: number): Promise<Uint8Array> {
    const key = `${name}#${start}+${length}`;
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
