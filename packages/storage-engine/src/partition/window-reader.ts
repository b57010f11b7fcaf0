import { isTidemarkError } from '@tidemark/base';
import { storageError } from '../errors.ts';
import type { Quarantine } from '../quarantine.ts';
import { NO_REF } from '../series/registry.ts';
import {
  decodeKey,
  encodeKey,
  FIRST_KEY,
  KIND_BLOCK,
  KIND_DICTIONARY,
  KIND_INDEX,
  KIND_MANIFEST,
  keyRange,
  LAST_KEY,
  openValue,
} from './keys.ts';
import type { LevelStore } from './level-store.ts';
import type { Window } from './window.ts';
import { decodeDictionary, decodeIndex, decodeManifest, type TenantCounts } from './window-format.ts';
import type { FlushContext } from './window-writer.ts';

// Reads a window's dictionary and index back into memory; blocks stay where they are until a read wants them.

export type LoadContext = FlushContext & { readonly quarantine: Quarantine };

/**
 * Loads what the durable checkpoint of `generation` says is there, after dropping whatever is newer. Pages that are broken or missing
 * become damage of the window; so does a missing manifest for one who is `content` with what an earlier one says is there, or with
 * what is there at all. Throws `WINDOW_CORRUPT` where LevelDB cannot go on, or that manifest is not there; `STORAGE_IO`.
 */
export async function loadWindow(
  context: LoadContext,
  window: Window,
  generation: number,
  { content = false } = {},
): Promise<void> {
  window.generation = generation;
  window.attempted = generation;
  await context.pool.use(window.path, async (store) => {
    await rollBack(store, generation);
    const tenants = content ? await tenantsLeft(store, window, generation) : await tenantsOf(store, window, generation);
    for (const counts of tenants) await new Loader(context, window, store, counts).load();
  });
}

/** Removes every key of a generation above `generation`. */
export async function rollBack(store: LevelStore, generation: number): Promise<void> {
  let doomed: { key: Uint8Array; value: null }[] = [];
  if (!(await hasNewer(store, generation))) return;
  for await (const key of store.keys(FIRST_KEY, LAST_KEY)) {
    if (decodeKey(key).generation <= generation) continue;
    doomed.push({ key, value: null });
    if (doomed.length < 1000) continue;
    await store.write(doomed);
    doomed = [];
  }
  if (doomed.length > 0) await store.write(doomed);
}

async function hasNewer(store: LevelStore, generation: number): Promise<boolean> {
  // A generation begins with blocks and ends with its manifest. Blocks without one are overwritten or ignored: no index names
  // them. So manifests tell whether something newer took effect.
  const { from, to } = keyRange('', KIND_MANIFEST);
  for await (const key of store.keys(from, to)) if (decodeKey(key).generation > generation) return true;
  return false;
}

/** What the manifest says, or one before it, or else only the names of tenants that have anything. */
async function tenantsLeft(
  store: LevelStore,
  window: Window,
  generation: number,
): Promise<readonly Readonly<TenantCounts>[]> {
  const { from, to } = keyRange('', KIND_MANIFEST);
  const generations: number[] = [];
  for await (const key of store.keys(from, to)) generations.push(decodeKey(key).generation);
  for (const candidate of generations.sort((a, b) => b - a)) {
    try {
      const tenants = await tenantsOf(store, window, candidate);
      if (candidate !== generation)
        window.noteDamage(`window ${window.path} lacks what came after checkpoint ${candidate}`);
      return tenants;
    } catch (error) {
      if (!isTidemarkError(error) || error.code === 'STORAGE_IO') throw error;
    }
  }
  const names = new Set<string>();
  for await (const key of store.keys(FIRST_KEY, LAST_KEY)) names.add(decodeKey(key).tenant);
  names.delete('');
  if (names.size === 0) throw storageError('WINDOW_CORRUPT', 'nothing is left of it', { path: window.path });
  window.noteDamage(`window ${window.path} has lost the count of what was in it`);
  return [...names].map((tenant) => ({ tenant, dictionaryPages: 0, indexPages: 0, blocks: 0, series: 0 }));
}

async function tenantsOf(
  store: LevelStore,
  window: Window,
  generation: number,
): Promise<readonly Readonly<TenantCounts>[]> {
  const key = window.manifestKey(generation);
  const [value] = await store.getMany([key]);
  const payload = value === undefined ? undefined : openValue(key, value);
  if (payload === undefined) {
    throw storageError(
      'WINDOW_CORRUPT',
      `manifest of generation ${generation} is ${value === undefined ? 'missing' : 'corrupt'}`,
      { path: window.path, generation },
    );
  }
  return decodeManifest(payload).tenants;
}

class Loader {
  readonly #context: LoadContext;
  readonly #window: Window;
  readonly #store: LevelStore;
  readonly #counts: TenantCounts;
  /** Registry refs by number in the window's dictionary. */
  readonly #refs: number[] = [];
  readonly #blocks = new Map<string, number>();

  constructor(context: LoadContext, window: Window, store: LevelStore, counts: Readonly<TenantCounts>) {
    this.#context = context;
    this.#window = window;
    this.#store = store;
    this.#counts = { ...counts };
    window.counts.set(counts.tenant, this.#counts);
  }

  async load(): Promise<void> {
    const { tenant, dictionaryPages, indexPages } = this.#counts;
    const series = this.#context.registry.tenantNamed(tenant);
    const dictionaries = await this.#pages(KIND_DICTIONARY, (payload) => {
      const { first, entries } = decodeDictionary(payload);
      entries.forEach(({ labels }, i) => {
        const ref = this.#context.registry.resolveOne(series, labels, 0, labels.length);
        if (ref === NO_REF) return;
        this.#refs[first + i] = ref;
        this.#window.ordinals.set(ref, first + i);
      });
    });
    const indexes = await this.#pages(KIND_INDEX, (payload, generation) => this.#addIndex(payload, generation));
    this.#expect('dictionary', dictionaries, dictionaryPages);
    this.#expect('index', indexes, indexPages);
  }

  /** Hands every intact page of a kind to `take`; returns how many keys there were. */
  async #pages(kind: number, take: (payload: Uint8Array, generation: number) => void): Promise<number> {
    const { from, to } = keyRange(this.#counts.tenant, kind);
    let seen = 0;
    for await (const [key, value] of this.#store.entries(from, to)) {
      const payload = openValue(key, value);
      try {
        if (payload === undefined) throw storageError('WINDOW_CORRUPT', 'checksum');
        take(payload, decodeKey(key).generation);
        seen++;
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        this.#window.noteDamage(`page ${Buffer.from(key).toString('hex')} of window ${this.#window.path} is corrupt`);
        this.#context.quarantine('window-page', `${this.#window.path}/${Buffer.from(key).toString('hex')}`, value);
      }
    }
    return seen;
  }

  #addIndex(payload: Uint8Array, generation: number): void {
    const { table } = this.#window;
    for (const entry of decodeIndex(payload)) {
      const ref = this.#refs[entry.series];
      if (ref === undefined) {
        this.#window.noteDamage(`window ${this.#window.path} has samples of a series whose labels are lost`);
        continue;
      }
      if (!table.holds(entry.minMs, entry.maxMs, entry.offset, entry.length)) {
        this.#window.noteDamage(`window ${this.#window.path} has a chunk of another time or place`);
        continue;
      }
      const block = this.#blockNumber(generation, entry.block);
      table.add(ref, block, entry.offset, entry.length, entry.minMs, entry.maxMs, entry.samples, entry.rank);
      this.#window.samples += entry.samples;
      this.#window.flushedBytes += entry.length;
    }
  }

  #blockNumber(generation: number, number: number): number {
    const name = `${generation}/${number}`;
    let block = this.#blocks.get(name);
    if (block === undefined) {
      block = this.#window.blockKeys.length;
      this.#window.blockKeys.push(encodeKey({ tenant: this.#counts.tenant, kind: KIND_BLOCK, generation, number }));
      this.#blocks.set(name, block);
    }
    return block;
  }

  #expect(what: string, found: number, expected: number): void {
    if (found === expected) return;
    this.#window.noteDamage(`window ${this.#window.path} has ${found} intact ${what} pages of ${expected}`);
  }
}
