import { assert, ByteWriter } from '@tidemark/base';
import { ChunkTable } from '../head/chunk-table.ts';
import type { PendingChunks } from '../head/pending.ts';
import { RefMap } from '../series/ref-map.ts';
import type { SeriesRegistry, TenantSeries } from '../series/registry.ts';
import { encodeKey, KIND_BLOCK, KIND_DICTIONARY, KIND_INDEX, sealValue } from './keys.ts';
import type { LevelStore, LevelWrite } from './level-store.ts';
import type { StorePool } from './store-pool.ts';
import type { Window } from './window.ts';
import {
  type DictionaryEntry,
  encodeDictionary,
  encodeManifest,
  type TenantCounts,
  writeIndexEntry,
} from './window-format.ts';
import { rollBack } from './window-reader.ts';
import { lookAgain, type TrustContext } from './window-trust.ts';

// Writes what a window has flushing, as one generation:
//
//   blocks (synced, a few MiB a batch) ──> dictionary, index, manifest in one last synced batch
//
// Chunks of one metric lie side by side in a block, because queries ask for a metric. A generation without its manifest never
// happened; one newer than the durable checkpoint is rolled back when the window is next opened or written.

// 32 KiB: some 200 chunks; one read of a metric takes few blocks, one series not too much.
const BLOCK_BYTES = 32 * 1024;
// Memory of a batch in flight, twice (LevelDB copies it).
const BATCH_BYTES = 4 * 1024 * 1024;
const INDEX_PAGE_ENTRIES = 4096;
const DICTIONARY_PAGE_ENTRIES = 1024;

/** What becomes true of the window when the checkpoint is durable. */
export interface StagedFlush {
  commit(): void;
}

export interface FlushContext {
  readonly pool: StorePool;
  readonly registry: SeriesRegistry;
  readonly installationKey: Uint8Array;
}

export interface WriteContext extends TrustContext {
  /** Of the oldest checkpoint that is kept: what it needs of the window stays. */
  readonly keptGeneration: number;
}

/**
 * Requires: flushes of a window don't overlap; `generation` is above all before. Throws `STORAGE_IO`, and `WINDOW_CORRUPT` where
 * the database lacks what it should have after a write that failed.
 */
export async function writeWindow(context: WriteContext, window: Window, generation: number): Promise<StagedFlush> {
  if (context.pool.distrusts(window.path)) await lookAgain(context, window);
  const write = async (store: LevelStore) => {
    if (window.attempted > window.generation) await rollBack(store, window.generation);
    window.attempted = generation;
    const flush = new Flush(context, window, store, generation);
    for (const [tenant, refs] of byTenant(context.registry, window.flushing)) await flush.writeTenant(tenant, refs);
    return flush.finish();
  };
  return context.pool.use(window.path, write, { create: window.generation === 0 });
}

function byTenant(registry: SeriesRegistry, lists: readonly PendingChunks[]): Map<TenantSeries, number[]> {
  const refs = new Set<number>();
  for (const list of lists) for (const ref of list.table.seriesRefs()) refs.add(ref);
  const tenants = new Map<TenantSeries, number[]>();
  for (const ref of refs) {
    const tenant = registry.tenantOf(ref);
    const list = tenants.get(tenant);
    if (list === undefined) tenants.set(tenant, [ref]);
    else list.push(ref);
  }
  for (const list of tenants.values()) sortByMetric(registry, list);
  return tenants;
}

/** Series of one metric side by side, by their refs. Numbers without a comparison function sort ten times as fast. */
function sortByMetric(registry: SeriesRegistry, refs: number[]): void {
  const scale = registry.count;
  if (scale > REFS_MAX) {
    refs.sort((a, b) => registry.metricOf(a) - registry.metricOf(b) || a - b);
    return;
  }
  const keys = Float64Array.from(refs, (ref) => registry.metricOf(ref) * scale + ref).sort();
  for (let i = 0; i < refs.length; i++) refs[i] = (keys[i] as number) % scale;
}

// Numbers of metrics are below 2^31, and both in one must stay exact.
const REFS_MAX = 2 ** 22;

class Flush {
  readonly #context: WriteContext;
  readonly #window: Window;
  readonly #store: LevelStore;
  readonly #generation: number;
  readonly #staged: ChunkTable;
  readonly #blockKeys: Uint8Array[] = [];
  readonly #ordinals = new RefMap();
  readonly #counts = new Map<string, TenantCounts>();
  readonly #last: LevelWrite[] = [];
  #batch: LevelWrite[] = [];
  #batchBytes = 0;
  #bytes = 0;

  constructor(context: WriteContext, window: Window, store: LevelStore, generation: number) {
    this.#context = context;
    this.#window = window;
    this.#staged = new ChunkTable(window.startMs);
    this.#store = store;
    this.#generation = generation;
    for (const [tenant, counts] of window.counts) this.#counts.set(tenant, { ...counts });
  }

  async writeTenant(tenant: TenantSeries, refs: readonly number[]): Promise<void> {
    let counts = this.#counts.get(tenant.name);
    if (counts === undefined) {
      counts = { tenant: tenant.name, dictionaryPages: 0, indexPages: 0, blocks: 0, series: 0 };
      this.#counts.set(tenant.name, counts);
    }
    this.#addDictionary(tenant, refs, counts);
    const block = new ByteWriter(BLOCK_BYTES + 4096);
    const index = new ByteWriter(4096);
    let entries = 0;
    let blocks = 0;
    let pages = 0;
    const endPage = () => {
      const page = new ByteWriter(index.length + 8);
      page.uvarint(entries);
      page.raw(index.view());
      this.#last.push(this.#sealed(tenant.name, KIND_INDEX, pages++, page.view()));
      index.reset();
      entries = 0;
    };
    const endBlock = async () => {
      await this.#put(this.#sealed(tenant.name, KIND_BLOCK, blocks++, block.view()));
      block.reset();
    };
    for (const ref of refs) {
      if (block.length >= BLOCK_BYTES) await endBlock();
      if (block.length === 0) this.#blockKeys.push(this.#key(tenant.name, KIND_BLOCK, blocks));
      for (const list of this.#window.flushing) {
        for (const at of chain(list.table, ref)) {
          entries++;
          this.#addChunk(list, at, block, blocks, index, ref);
        }
      }
      if (entries >= INDEX_PAGE_ENTRIES) endPage();
    }
    if (block.length > 0) await endBlock();
    if (entries > 0) endPage();
    counts.blocks += blocks;
    counts.indexPages += pages;
  }

  async finish(): Promise<StagedFlush> {
    await this.#send();
    const window = this.#window;
    const manifestKey = window.manifestKey(this.#generation);
    const manifest = encodeManifest({ generation: this.#generation, tenants: [...this.#counts.values()] });
    this.#last.push({ key: manifestKey, value: sealValue(manifestKey, manifest) });
    const { keptGeneration } = this.#context;
    const obsolete = window.obsoleteManifests.filter(({ replacedBy }) => replacedBy <= keptGeneration);
    for (const { generation } of obsolete) this.#last.push({ key: window.manifestKey(generation), value: null });
    await this.#store.write(this.#last);
    return { commit: () => this.#commit(obsolete.length) };
  }

  #commit(obsolete: number): void {
    const window = this.#window;
    const staged = this.#staged;
    const firstBlock = window.blockKeys.length;
    window.blockKeys.push(...this.#blockKeys);
    for (let i = 0; i < staged.count; i++) {
      window.table.add(
        staged.refOf(i),
        firstBlock + staged.block(i),
        staged.offset(i),
        staged.length(i),
        staged.minMs(i),
        staged.maxMs(i),
        staged.samples(i),
        staged.rank(i),
      );
      window.samples += staged.samples(i);
    }
    for (const [ref, ordinal] of this.#ordinals.entries()) window.ordinals.set(ref, ordinal);
    for (const [tenant, counts] of this.#counts) window.counts.set(tenant, counts);
    // In the order of their generations.
    window.obsoleteManifests.splice(0, obsolete);
    const { generation: replaced } = window;
    if (replaced > 0) window.obsoleteManifests.push({ generation: replaced, replacedBy: this.#generation });
    window.generation = this.#generation;
    window.flushedBytes += this.#bytes;
    window.flushing.length = 0;
  }

  #addChunk(
    list: PendingChunks,
    at: number,
    block: ByteWriter,
    blockNumber: number,
    index: ByteWriter,
    ref: number,
  ): void {
    const { table } = list;
    const offset = block.length;
    const start = table.offset(at);
    const length = table.length(at);
    block.raw(list.pageOf(table.block(at)).subarray(start, start + length));
    const minMs = table.minMs(at);
    const maxMs = table.maxMs(at);
    const samples = table.samples(at);
    const rank = table.rank(at);
    const inMemory = this.#blockKeys.length - 1;
    this.#staged.add(ref, inMemory, offset, length, minMs, maxMs, samples, rank);
    const series = this.#ordinal(ref);
    writeIndexEntry(index, { series, block: blockNumber, offset, length, minMs, maxMs, samples, rank });
  }

  #addDictionary(tenant: TenantSeries, refs: readonly number[], counts: TenantCounts): void {
    const fresh = refs.filter((ref) => !this.#window.ordinals.has(ref));
    for (let from = 0, page = 0; from < fresh.length; from += DICTIONARY_PAGE_ENTRIES, page++) {
      const first = counts.series;
      const entries: DictionaryEntry[] = fresh.slice(from, from + DICTIONARY_PAGE_ENTRIES).map((ref) => {
        this.#ordinals.set(ref, counts.series++);
        const labels = tenant.labelBytes(ref);
        return { id: this.#context.registry.idOf(ref, this.#context.installationKey), labels };
      });
      this.#last.push(this.#sealed(tenant.name, KIND_DICTIONARY, page, encodeDictionary(first, entries)));
      counts.dictionaryPages++;
    }
  }

  #ordinal(ref: number): number {
    const own = this.#window.ordinals.get(ref);
    const ordinal = own >= 0 ? own : this.#ordinals.get(ref);
    assert(ordinal >= 0, 'the dictionary has the series');
    return ordinal;
  }

  #key(tenant: string, kind: number, number: number): Uint8Array {
    return encodeKey({ tenant, kind, generation: this.#generation, number });
  }

  #sealed(tenant: string, kind: number, number: number, payload: Uint8Array): LevelWrite {
    const key = this.#key(tenant, kind, number);
    return { key, value: sealValue(key, payload) };
  }

  async #put(write: LevelWrite): Promise<void> {
    this.#batch.push(write);
    this.#batchBytes += write.value?.length ?? 0;
    this.#bytes += write.value?.length ?? 0;
    if (this.#batchBytes >= BATCH_BYTES) await this.#send();
  }

  async #send(): Promise<void> {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    await this.#store.write(batch);
  }
}

/** Entries of a series, oldest first. */
function chain(table: ChunkTable, ref: number): number[] {
  const entries: number[] = [];
  for (let at = table.last(ref); at >= 0; at = table.previous(at)) entries.push(at);
  return entries.reverse();
}
