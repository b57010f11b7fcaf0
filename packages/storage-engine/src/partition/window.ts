import { isTidemarkError, messageOf } from '@tidemark/base';
import { ChunkTable } from '../head/chunk-table.ts';
import { PendingChunks } from '../head/pending.ts';
import type { Quarantine } from '../quarantine.ts';
import { RefMap } from '../series/ref-map.ts';
import type { SeriesRegistry } from '../series/registry.ts';
import { encodeKey, KIND_MANIFEST, openValue } from './keys.ts';
import type { StorePool } from './store-pool.ts';
import type { TenantCounts } from './window-format.ts';

// One shard's chunks of one stretch of time, in a LevelDB of their own.
//
//   pending   finished chunks in memory ── checkpoint begins ──> flushing ── LevelDB and checkpoint durable ──> table
//
// A read sees all three; a chunk is in exactly one. `sequence` counts the lives of a window: 0 until it is frozen for
// sealing, then 1 for what comes too late for that segment, and so on; each life is sealed into a segment of its own, and a
// later life outranks an earlier one.

export interface WindowContext {
  readonly pool: StorePool;
  readonly registry: SeriesRegistry;
  readonly quarantine: Quarantine;
}

export class Window {
  readonly startMs: number;
  readonly endMs: number;
  readonly sequence: number;
  readonly path: string;
  /** When this process first met it, wall ms. */
  readonly openedAtMs: number;
  /**
   * Above 0: nothing is added any more; it waits to be sealed. It then has what records below this position brought for it, as
   * far as earlier lives don't.
   */
  frozenPosition = 0;
  /** Whether a durable checkpoint says so; everything of the window is in its LevelDB then, and it may be sealed. */
  frozenDurably = false;
  pending: PendingChunks;
  readonly flushing: PendingChunks[] = [];
  readonly table: ChunkTable;
  /** LevelDB keys by block number of the table. */
  readonly blockKeys: Uint8Array[] = [];
  /** Number of a series in the dictionary of its tenant. */
  readonly ordinals = new RefMap();
  readonly counts = new Map<string, TenantCounts>();
  /** Generation of the last durable checkpoint that wrote here; 0: none. */
  generation = 0;
  /** Generation of the last attempt, durable or not. */
  attempted = 0;
  /** Manifests that a durable one has replaced, and its generation: they go when no checkpoint is kept that is older than that. */
  readonly obsoleteManifests: { readonly generation: number; readonly replacedBy: number }[] = [];
  samples = 0;
  flushedBytes = 0;
  /** What is missing or broken, for people; reads hand it out as warnings. */
  readonly damage: string[] = [];
  wrecked = false;
  /** It has what the head of an older checkpoint had, and nothing since: it goes should segments have that (opening.ts). */
  ofHead = false;
  /** Another life has all that it had: it goes with the next checkpoint. */
  refilled = false;
  /** Whether it was logged that it cannot be sealed: that is tried again twice a minute. */
  saidUnsealable = false;
  /** Reads under way: the database must not go while there are any. */
  #readers = 0;
  #unread: (() => void) | undefined;
  readonly #context: WindowContext;

  constructor(
    context: WindowContext,
    path: string,
    startMs: number,
    endMs: number,
    sequence: number,
    openedAtMs: number,
  ) {
    this.openedAtMs = openedAtMs;
    this.#context = context;
    this.path = path;
    this.startMs = startMs;
    this.pending = new PendingChunks(startMs);
    this.table = new ChunkTable(startMs);
    this.endMs = endMs;
    this.sequence = sequence;
  }

  /** At the beginning of a checkpoint: what is pending now is its part. */
  prepare(): void {
    if (this.pending.table.count === 0) return;
    this.flushing.push(this.pending);
    this.pending = new PendingChunks(this.startMs);
  }

  /** What was pending is another's. */
  clearPending(): void {
    this.pending = new PendingChunks(this.startMs);
  }

  get frozen(): boolean {
    return this.frozenPosition > 0;
  }

  get pendingBytes(): number {
    return this.pending.bytes + this.flushing.reduce((sum, list) => sum + list.bytes, 0);
  }

  get empty(): boolean {
    return this.table.count === 0 && this.pending.table.count === 0 && this.flushing.length === 0;
  }

  readonly cacheable = true;

  /** Names it among all sources of blocks. */
  get id(): string {
    return this.path;
  }

  /** Payloads of blocks, in the order asked; undefined for one that is broken or missing (quarantined). */
  async readBlocks(numbers: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    const keys = numbers.map((number) => this.blockKeys[number] as Uint8Array);
    const values = await this.#values(keys);
    return values.map((value, i) => {
      const key = keys[i] as Uint8Array;
      const payload = value === undefined ? undefined : openValue(key, value);
      if (payload === undefined) {
        const name = Buffer.from(key).toString('hex');
        this.noteDamage(`block ${name} of window ${this.path} is ${value === undefined ? 'missing' : 'corrupt'}`);
        this.#context.quarantine('window-block', `${this.path}/${name}`, value);
      }
      return payload;
    });
  }

  /** Undefined for those that are missing, or lie where LevelDB cannot read any more. Throws `STORAGE_IO`. */
  async #values(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    try {
      return await this.#context.pool.use(this.path, (store) => store.getMany(keys));
    } catch (error) {
      if (!isTidemarkError(error, 'WINDOW_CORRUPT')) throw error;
      this.noteDamage(messageOf(error));
      if (keys.length === 1) return [undefined];
    }
    const values: (Uint8Array | undefined)[] = [];
    for (const key of keys) values.push(...(await this.#values([key])));
    return values;
  }

  noteDamage(what: string): void {
    // 100: enough to act on, and a bound.
    if (this.damage.length < 100 && !this.damage.includes(what)) this.damage.push(what);
  }

  /** Keeps the database from being removed until the returned function is called. */
  retain(): () => void {
    this.#readers++;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      if (--this.#readers === 0) this.#unread?.();
    };
  }

  get beingRead(): boolean {
    return this.#readers > 0;
  }

  /** Removes the database once the last reader is gone. */
  async destroy(): Promise<void> {
    if (this.#readers > 0) {
      await new Promise<void>((resolve) => {
        this.#unread = resolve;
      });
    }
    await this.#context.pool.destroy(this.path);
  }

  manifestKey(generation: number): Uint8Array {
    return encodeKey({ tenant: '', kind: KIND_MANIFEST, generation, number: 0 });
  }

  /** Its database cannot be read to the end: it stays as it is, and is never sealed. */
  unreadable(error: unknown): void {
    this.wrecked = true;
    this.noteDamage(`window ${this.path} cannot be read: ${messageOf(error)}`);
  }
}
