import { isTidemarkError, type Logger, messageOf } from '@tidemark/base';
import { SEGMENT_PREFIX } from '../filename.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { StorageOptions } from '../options.ts';
import type { ObjectClaims } from './claims.ts';
import { namedObjects } from './manifest-store.ts';

// Removes objects that no manifest names: what retention and compaction took out of one, and what a crash left between a put and
// the manifest's swap, or in the middle of a put.
//
//   out of the manifest, or found by a search ── lease ──> claimed ── manifests read ── not named ──> removed
//
// What is held (held.ts) waits until it is let go. The lease is for reads that began when the object was still named, and for another process that is about to name it. It begins
// when this process first sees that nobody names the object, so it needs no clock of the object store. Manifests are read after
// the claim, for what they said before may have changed.

export type Doom = 'retention' | 'compaction' | 'orphan';

interface Doomed {
  readonly bytes: number;
  readonly reason: Doom;
  readonly sinceMs: number;
}

export interface ReaperContext {
  readonly objectStore: ObjectStore;
  readonly claims: ObjectClaims;
  readonly options: StorageOptions;
  readonly logger: Logger;
  readonly nowMs: () => number;
  /** An object is removed: caches forget it, somebody counts. */
  readonly onRemoved: (object: string, bytes: number, reason: Doom) => void;
}

// More than any year of segments; a search finds the rest when these are gone.
const DOOMED_MAX = 100_000;
// Claimed together, for one reading of the manifests.
const REMOVED_AT_ONCE = 100;

export class Reaper {
  readonly #context: ReaperContext;
  readonly #doomed = new Map<string, Doomed>();
  /** Names that somebody needs for longer than a lease, one set each. */
  readonly #held = new Set<ReadonlySet<string>>();
  #searchedMs = Number.NEGATIVE_INFINITY;

  constructor(context: ReaperContext) {
    this.#context = context;
  }

  /** Objects that wait for their lease to end. */
  get waiting(): number {
    return this.#doomed.size;
  }

  /** These stay until what this returns is disposed of, whoever names them. */
  hold(objects: ReadonlySet<string>): Disposable {
    this.#held.add(objects);
    return { [Symbol.dispose]: () => void this.#held.delete(objects) };
  }

  doom(object: string, bytes: number, reason: Doom): void {
    if (this.#doomed.size >= DOOMED_MAX || this.#doomed.has(object)) return;
    this.#doomed.set(object, { bytes, reason, sinceMs: this.#context.nowMs() });
  }

  /** Removes what is due. Returns how many objects. Throws what the object store throws, the signal's reason; the rest is tried again. */
  async reap(signal: AbortSignal): Promise<number> {
    const { options, nowMs } = this.#context;
    if (nowMs() - this.#searchedMs >= options.orphanSearchMs) {
      await this.#search();
      this.#searchedMs = nowMs();
    }
    const due = [...this.#doomed].filter(([, { sinceMs }]) => nowMs() - sinceMs >= options.objectLeaseMs);
    let removed = 0;
    for (let at = 0; at < due.length; at += REMOVED_AT_ONCE) {
      removed += await this.#remove(due.slice(at, at + REMOVED_AT_ONCE), signal);
    }
    return removed;
  }

  async #search(): Promise<void> {
    const { objectStore, claims } = this.#context;
    await this.#removeUnfinished();
    const found: { name: string; size: number }[] = [];
    for await (const { name, size } of objectStore.list(SEGMENT_PREFIX)) {
      if (!claims.has(name) && !this.#doomed.has(name)) found.push({ name, size });
      if (found.length >= DOOMED_MAX) break;
    }
    const named = await this.#named();
    for (const { name, size } of found) if (!named.has(name)) this.doom(name, size, 'orphan');
  }

  /** A store may not let us list them; that is no reason to keep objects that nobody names. */
  async #removeUnfinished(): Promise<void> {
    const { objectStore, logger } = this.#context;
    try {
      await objectStore.removeUnfinished();
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      logger.warn('uploads that were never ended cannot be removed; they cost space, it is tried again in an hour', {
        error: messageOf(error),
      });
    }
  }

  async #remove(due: readonly (readonly [string, Doomed])[], signal: AbortSignal): Promise<number> {
    const { objectStore, claims, logger, onRemoved, options } = this.#context;
    using claimed = claims.begin();
    const free = due.filter(([name]) => !this.#isHeld(name) && claimed.tryTake(name));
    const named = await this.#named();
    signal.throwIfAborted();
    // The same content was sealed or compacted again.
    for (const [name] of free) if (named.has(name)) this.#doomed.delete(name);
    const unnamed = free.filter(([name]) => !named.has(name));
    const failures = await objectStore.deleteAll(unnamed.map(([name]) => name));
    let removed = 0;
    for (const [name, { bytes, reason }] of unnamed) {
      const failure = failures.get(name);
      if (failure !== undefined) {
        logger.warn('an object that nobody names could not be removed; it is tried again', {
          name,
          error: messageOf(failure),
        });
        continue;
      }
      this.#doomed.delete(name);
      removed++;
      onRemoved(name, bytes, reason);
      await options.at('reap:removed');
    }
    return removed;
  }

  #isHeld(name: string): boolean {
    for (const objects of this.#held) if (objects.has(name)) return true;
    return false;
  }

  #named(): Promise<Set<string>> {
    return namedObjects(this.#context.objectStore);
  }
}
