import type { Random } from '@tidemark/base';
import { storageError } from '../errors.ts';
import {
  checkObjectName,
  deleteOneByOne,
  type ObjectInfo,
  type ObjectStore,
  objectChanged,
  objectNotFound,
} from './object-store.ts';

// An object store that misbehaves to order:
//
//   away          every call is refused, nothing happens
//   failures      the share of calls refused before anything happened
//   lostReplies   the share of changes that happen and are then reported as unavailable: the caller can't know
//   slow          the share of calls that take `slowTurns` turns of the event loop, so that others overtake them
//   conflicts     the share of swaps that meet another writer: 412, though the caller's etag was right a moment ago
//   flip(name, bit), replace(name, bytes)   damages what is stored

export interface ObjectFaults {
  readonly failures: number;
  readonly lostReplies: number;
  readonly slow: number;
  readonly conflicts: number;
}

const NO_FAULTS: ObjectFaults = { failures: 0, lostReplies: 0, slow: 0, conflicts: 0 };
const SLOW_TURNS = 5;

export class SimObjectStore implements ObjectStore {
  readonly #objects = new Map<string, { bytes: Uint8Array; etag: string }>();
  readonly #random: Random;
  #etags = 0;
  faults: ObjectFaults = NO_FAULTS;
  away = false;
  /** Calls by method, for tests that count requests. */
  readonly calls = new Map<string, number>();

  constructor(random: Random) {
    this.#random = random;
  }

  putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    return this.#change('putIfAbsent', name, () => {
      if (this.#objects.has(name)) return false;
      this.#put(name, bytes);
      return true;
    });
  }

  putIfMatches(name: string, bytes: Uint8Array, etag: string): Promise<string> {
    return this.#change('putIfMatches', name, () => {
      if (this.#chance(this.faults.conflicts)) throw objectChanged(name, etag);
      if (this.#objects.get(name)?.etag !== etag) throw objectChanged(name, etag);
      return this.#put(name, bytes);
    });
  }

  get(name: string): Promise<{ bytes: Uint8Array; etag: string }> {
    return this.#call('get', name, () => {
      const object = this.#objects.get(name);
      if (object === undefined) throw objectNotFound(name);
      return { bytes: object.bytes.slice(), etag: object.etag };
    });
  }

  async getRange(name: string, start: number, length: number): Promise<Uint8Array> {
    return this.#call('getRange', name, () => {
      const object = this.#objects.get(name);
      if (object === undefined) throw objectNotFound(name);
      return object.bytes.slice(start, start + length);
    });
  }

  head(name: string): Promise<ObjectInfo | undefined> {
    return this.#call('head', name, () => {
      const object = this.#objects.get(name);
      return object === undefined ? undefined : { name, size: object.bytes.length, etag: object.etag };
    });
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const names = await this.#call('list', 'any', () =>
      [...this.#objects.keys()].filter((name) => name.startsWith(prefix)).sort(),
    );
    for (const name of names) {
      const object = this.#objects.get(name);
      if (object !== undefined) yield { name, size: object.bytes.length, etag: object.etag };
    }
  }

  delete(name: string): Promise<void> {
    return this.#change('delete', name, () => {
      this.#objects.delete(name);
    });
  }

  deleteAll(names: readonly string[]): Promise<ReadonlyMap<string, Error>> {
    return deleteOneByOne(this, names);
  }

  async removeUnfinished(): Promise<number> {
    return 0;
  }

  /** Another store with what is stored now. */
  fork(random: Random): SimObjectStore {
    const copy = new SimObjectStore(random);
    for (const [name, { bytes, etag }] of this.#objects) copy.#objects.set(name, { bytes: bytes.slice(), etag });
    copy.#etags = this.#etags;
    return copy;
  }

  /** Names of what is stored, whatever the faults. */
  names(): string[] {
    return [...this.#objects.keys()].sort();
  }

  flip(name: string, bit: number): void {
    const object = this.#objects.get(name);
    if (object === undefined) throw objectNotFound(name);
    object.bytes[bit >> 3] = (object.bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  }

  /** Other bytes under the same etag; undefined: the object is gone. */
  replace(name: string, bytes: Uint8Array | undefined): void {
    const object = this.#objects.get(name);
    if (object === undefined) throw objectNotFound(name);
    if (bytes === undefined) this.#objects.delete(name);
    else object.bytes = bytes;
  }

  #put(name: string, bytes: Uint8Array): string {
    const etag = `sim-${++this.#etags}`;
    this.#objects.set(name, { bytes: bytes.slice(), etag });
    return etag;
  }

  async #change<T>(method: string, name: string, work: () => T): Promise<T> {
    const result = await this.#call(method, name, work);
    if (this.#chance(this.faults.lostReplies)) throw unavailable(name, 'the reply was lost');
    return result;
  }

  async #call<T>(method: string, name: string, work: () => T): Promise<T> {
    checkObjectName(name);
    this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
    const turns = this.#chance(this.faults.slow) ? SLOW_TURNS : 1;
    for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    if (this.away) throw unavailable(name, 'the store is away');
    if (this.#chance(this.faults.failures)) throw unavailable(name, 'the request failed');
    return work();
  }

  #chance(share: number): boolean {
    return share > 0 && this.#random.next() < share;
  }
}

function unavailable(name: string, why: string): Error {
  return storageError('OBJECT_STORE_UNAVAILABLE', `simulated: ${why} (${name})`, { name });
}
