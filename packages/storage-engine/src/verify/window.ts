import { isTidemarkError, messageOf } from '@tidemark/base';
import { readChunk } from '../chunk/chunk.ts';
import { Columns } from '../chunk/columns.ts';
import { lookedAtWindow } from '../filename.ts';
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
  type WindowKey,
} from '../partition/keys.ts';
import type { LevelStore, LevelStores } from '../partition/level-store.ts';
import {
  decodeDictionary,
  decodeIndex,
  decodeManifest,
  type IndexEntry,
  type TenantCounts,
} from '../partition/window-format.ts';
import type { Verified } from './verify.ts';

// A window's database against its manifest of the durable generation: every value's checksum, counts of pages and series, and
// every chunk that an index names, decoded. What is of a newer generation never happened and goes at the next start.

export interface WindowFacts {
  readonly generation: number;
  readonly columnCount: number;
}

const PROBLEMS_SAID = 3;

/** A twin is opened, where there can be one: LevelDB writes in what it opens. */
export async function verifyWindow(levels: LevelStores, path: string, facts: WindowFacts): Promise<Verified> {
  const problem = await levels.problem(path);
  if (problem !== undefined) return { file: path, verdict: 'damaged', detail: problem };
  const aside = lookedAtWindow(path, 'verifying');
  await levels.destroy(aside);
  const hasTwin = await levels.twin(path, aside);
  try {
    return await verifyDatabase(levels, path, hasTwin ? aside : path, facts);
  } finally {
    await levels.destroy(aside);
  }
}

/** Nobody else uses it, so whatever fails is damage. */
async function verifyDatabase(
  levels: LevelStores,
  path: string,
  opened: string,
  facts: WindowFacts,
): Promise<Verified> {
  let store: LevelStore;
  try {
    store = await levels.open(opened, { create: false });
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return { file: path, verdict: 'damaged', detail: messageOf(error) };
  }
  const check = new WindowCheck(store, facts);
  try {
    await check.run();
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    check.problems.push(messageOf(error));
  } finally {
    await store.close();
  }
  const { problems, chunks, samples } = check;
  if (problems.length === 0) return { file: path, verdict: 'ok', detail: `${chunks} chunks, ${samples} samples` };
  const more = problems.length > PROBLEMS_SAID ? `; ${problems.length - PROBLEMS_SAID} more` : '';
  return { file: path, verdict: 'damaged', detail: `${problems.slice(0, PROBLEMS_SAID).join('; ')}${more}` };
}

class WindowCheck {
  readonly problems: string[] = [];
  chunks = 0;
  samples = 0;
  readonly #store: LevelStore;
  readonly #facts: WindowFacts;
  readonly #columns: Columns;
  #block: { readonly name: string; readonly payload: Uint8Array | undefined } | undefined;

  constructor(store: LevelStore, facts: WindowFacts) {
    this.#store = store;
    this.#facts = facts;
    this.#columns = new Columns(facts.columnCount);
  }

  async run(): Promise<void> {
    const { generation } = this.#facts;
    const counted = new Map<string, TenantCounts>();
    let tenants: readonly TenantCounts[] | undefined;
    for await (const [key, value] of this.#store.entries(FIRST_KEY, LAST_KEY)) {
      const at = decodeKey(key);
      if (at.generation > generation) continue;
      const payload = openValue(key, value);
      if (payload === undefined) {
        this.problems.push(`${nameOf(at)} fails its checksum`);
        continue;
      }
      if (at.kind === KIND_MANIFEST && at.generation === generation) tenants = decodeManifest(payload).tenants;
      else if (at.kind !== KIND_MANIFEST) count(counted, at, payload);
    }
    if (tenants === undefined) {
      if (generation > 0) this.problems.push(`the manifest of generation ${generation} is missing`);
      return;
    }
    for (const said of tenants) {
      this.#compare(said, counted.get(said.tenant));
      await this.#checkChunks(said.tenant);
    }
  }

  #compare(said: TenantCounts, found: TenantCounts | undefined): void {
    for (const what of ['dictionaryPages', 'indexPages', 'series'] as const) {
      const there = found?.[what] ?? 0;
      if (there !== said[what]) this.problems.push(`${there} ${what} of ${said[what]} of tenant ${said.tenant}`);
    }
  }

  async #checkChunks(tenant: string): Promise<void> {
    const { from, to } = keyRange(tenant, KIND_INDEX);
    for await (const [key, value] of this.#store.entries(from, to)) {
      const { generation } = decodeKey(key);
      const payload = openValue(key, value);
      if (payload === undefined || generation > this.#facts.generation) continue;
      for (const entry of decodeIndex(payload)) await this.#checkChunk(tenant, generation, entry);
    }
  }

  async #checkChunk(tenant: string, generation: number, entry: IndexEntry): Promise<void> {
    const at = { tenant, kind: KIND_BLOCK, generation, number: entry.block };
    const name = nameOf(at);
    if (this.#block?.name !== name) {
      const key = encodeKey(at);
      const [value] = await this.#store.getMany([key]);
      if (value === undefined) this.problems.push(`${name} is missing`);
      this.#block = { name, payload: value && openValue(key, value) };
    }
    const { payload } = this.#block;
    // Said already.
    if (payload === undefined) return;
    const columns = this.#columns;
    columns.reset();
    readChunk(payload, entry.offset, entry.offset + entry.length, columns);
    const [first, last] = [columns.timestampsMs[0], columns.timestampsMs[columns.length - 1]];
    if (columns.length !== entry.samples || first !== entry.minMs || last !== entry.maxMs) {
      this.problems.push(`a chunk of ${name} is not what the index says`);
    }
    this.chunks++;
    this.samples += columns.length;
  }
}

function count(counted: Map<string, TenantCounts>, { tenant, kind }: WindowKey, payload: Uint8Array): void {
  let counts = counted.get(tenant);
  if (counts === undefined) {
    counts = { tenant, dictionaryPages: 0, indexPages: 0, blocks: 0, series: 0 };
    counted.set(tenant, counts);
  }
  if (kind === KIND_BLOCK) counts.blocks++;
  else if (kind === KIND_INDEX) counts.indexPages++;
  else if (kind === KIND_DICTIONARY) {
    counts.dictionaryPages++;
    counts.series += decodeDictionary(payload).entries.length;
  }
}

function nameOf({ tenant, kind, generation, number }: WindowKey): string {
  const what = { [KIND_BLOCK]: 'block', [KIND_INDEX]: 'index', [KIND_DICTIONARY]: 'dictionary' }[kind] ?? 'manifest';
  return `${what} ${generation}/${number}${tenant === '' ? '' : ` of tenant ${tenant}`}`;
}
