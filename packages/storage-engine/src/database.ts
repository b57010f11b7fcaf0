import {
  type Clock,
  type Disk,
  isTidemarkError,
  type Logger,
  Mutex,
  messageOf,
  SelfMetrics,
  silentLogger,
} from '@tidemark/base';
import type {
  Cardinality,
  CardinalityRequest,
  MetadataRequest,
  MetricDescriptions,
  SeriesSource,
} from '@tidemark/model';
import { cutShard } from './deletes/cut.ts';
import type { Tombstone } from './deletes/tombstone.ts';
import { Tombstones } from './deletes/tombstones.ts';
import { storageError } from './errors.ts';
import { QUARANTINE_FOLDER, quarantineName, type ShardName } from './filename.ts';
import type { Tier } from './head/resolve.ts';
import { countCardinality } from './index/cardinality.ts';
import {
  type EnginePosition,
  type RowRecord,
  rowsToEntries,
  type SampleRecord,
  samplesToEntries,
  type TopicPartitionName,
} from './intake.ts';
import { Metadata } from './metadata/metadata.ts';
import { loadMetadata, saveMetadata } from './metadata/metadata-file.ts';
import { type EngineMetrics, makeMetrics } from './metrics.ts';
import { RangeCache } from './object-store/cache.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { DEFAULT_OPTIONS, type StorageOptions } from './options.ts';
import type { LevelStores } from './partition/level-store.ts';
import { nativeLevelStores } from './partition/native-level-store.ts';
import { StorePool } from './partition/store-pool.ts';
import { BlockCache } from './read/block-cache.ts';
import { makeSource } from './read/source.ts';
import { Turns } from './read/turns.ts';
import { Segments } from './segment/segments.ts';
import { PartitionLabels } from './series/shared-labels.ts';
import { CheckpointDue } from './shard/checkpoint-due.ts';
import { checkpointShard } from './shard/checkpointing.ts';
import { forgetSeries } from './shard/forgetting.ts';
import { dropSealed, listShards, type OpenContext, openShard } from './shard/opening.ts';
import { sealShard } from './shard/sealing.ts';
import { Shard, type ShardEntries } from './shard/shard.ts';
import { collectStats, type StorageStats } from './stats.ts';
import { ObjectClaims } from './tiering/claims.ts';
import { Compactor, type CompactReport } from './tiering/compactor.ts';
import { type Manifest, NOTHING_SEALED } from './tiering/manifest.ts';
import { readAllManifests } from './tiering/manifest-store.ts';
import { Reaper } from './tiering/reaper.ts';
import { limitAnswers, retain } from './tiering/retention.ts';

// The engine: shards by topic partition over one disk, one folder of LevelDB windows and one object store.
//
//   log record ─apply─> shard's head ─checkpoint─> checkpoint file + windows ─seal─> segments + manifest
//                            └──────────────┴── source() ──┴──────────────────────────────┘

export interface StorageEngineInit {
  /** For checkpoints and series files. */
  readonly disk: Disk;
  /** Native folder for LevelDB windows: usually `disk.nativePath('')`. Or `levelStores`, in a simulated world. */
  readonly folder?: string;
  readonly levelStores?: LevelStores;
  readonly objectStore: ObjectStore;
  readonly clock: Clock;
  readonly installationKey: Uint8Array;
  readonly logger?: Logger;
  readonly metrics?: SelfMetrics;
  readonly options?: Partial<StorageOptions>;
}

export interface SealReport {
  readonly windows: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly tier: Tier;
    readonly startMs: number;
    readonly endMs: number;
    /** 0; above it, a supplement. */
    readonly sequence: number;
    readonly objects: readonly string[];
    readonly series: number;
    readonly samples: number;
    readonly bytes: number;
  }[];
  /** Segments that retention removed. */
  readonly expired: number;
  /** What could not be sealed now, and why: tried again by the next seal. */
  readonly failures: readonly string[];
}

export interface CompactRequest {
  readonly signal?: AbortSignal;
  /** Carry out every delete now. */
  readonly cleanAll?: boolean;
}

export interface StorageEngine {
  /** The offset from which the log must be read: a record applies iff its offset is at or above it. 0 for an unknown one. */
  position(tp: TopicPartitionName): number;
  positions(): readonly EnginePosition[];
  /**
   * Applies a record; false when it is below the position (redelivery). Synchronous; visible to reads at once; durable with the
   * next checkpoint. Throws `STORAGE_OVERLOADED` (nothing was applied: checkpoint, then apply the same record again),
   * `STORAGE_TIER_MISMATCH`, `STORAGE_MANIFEST_UNKNOWN`, `STORAGE_CLOSED`.
   */
  applySamples(record: SampleRecord): boolean;
  applyRows(record: RowRecord): boolean;
  /**
   * Applies a delete; false when it is below the position. What the partition has of it so far is answered no more, in any tier;
   * what comes after lives. Space is reclaimed by `compact`. Throws as `applySamples`.
   */
  applyDelete(tombstone: Tombstone): boolean;
  /** Nothing below `nextOffset` is left to apply (control records, records of no interest). */
  advance(tp: TopicPartitionName, nextOffset: number): void;
  /** Whether it is time: often enough to bound replay, seldom enough that heads aren't written all day (checkpoint-due.ts). */
  checkpointDue(): boolean;
  /** Makes everything applied before the call durable. Returns the positions that may be committed to the log. */
  checkpoint(): Promise<readonly EnginePosition[]>;
  /** Seals windows that are over and applies retention. `supplementsToo`: late samples don't wait for company. */
  seal(request?: { readonly supplementsToo?: boolean }): Promise<SealReport>;
  /**
   * Merges sealed segments into larger ones, and removes objects that no manifest names, once their lease is over. Appends,
   * checkpoints, seals and reads go on meanwhile. Throws the reason of `signal`, and `STORAGE_CLOSED`.
   */
  compact(request?: CompactRequest): Promise<CompactReport>;
  /** Runs `work` while nothing durable changes: no checkpoint, seal or compaction. Appends go on, in memory. */
  whileStill<T>(work: () => Promise<T>): Promise<T>;
  source(): SeriesSource;
  /** Why it is not known yet what is sealed, else undefined. Until then answers lack it, and records of unknown partitions wait. */
  readonly sealedUnknown: string | undefined;
  stats(): StorageStats;
  /** What a tenant's raw series are made of. Work by the number of series, in turns; throws the signal's reason. */
  cardinality(request: CardinalityRequest): Promise<Cardinality>;
  /** What sources said of a tenant's metrics; good until the next await. */
  metadata(request: MetadataRequest): Iterable<MetricDescriptions>;
  /** Checkpoints and lets go of everything. Twice is fine. */
  close(): Promise<void>;
}

/** Throws `CHECKPOINT_CORRUPT`, `STORAGE_FOREIGN`, `STORAGE_IO`. An object store that is away is not an error: reads warn. */
export async function openStorageEngine(init: StorageEngineInit): Promise<StorageEngine> {
  const engine = new Engine(init);
  try {
    await engine.open();
  } catch (error) {
    await engine.letGo();
    throw error;
  }
  return engine;
}

class Engine implements StorageEngine {
  readonly #init: StorageEngineInit;
  readonly #logger: Logger;
  readonly #metrics: EngineMetrics;
  readonly #context: OpenContext;
  readonly #segments: Segments;
  readonly #blocks: BlockCache;
  readonly #shards = new Map<string, Shard>();
  readonly #metadata = new Metadata();
  readonly #tombstones = new Tombstones();
  readonly #work = new Mutex();
  readonly #claims = new ObjectClaims();
  readonly #reaper: Reaper;
  readonly #compactor: Compactor;
  readonly #compacting = new Mutex();
  readonly #due: CheckpointDue;
  readonly #closing = new AbortController();
  readonly #source: SeriesSource;
  /** Why not every manifest there is has been found; until then an unknown topic partition may have segments. */
  #sealedUnknown: string | undefined = 'manifests were not read yet';
  #closed = false;
  readonly #underWay = new Set<Promise<void>>();

  constructor(init: StorageEngineInit) {
    this.#init = init;
    this.#logger = (init.logger ?? silentLogger).child('storage');
    const options = { ...DEFAULT_OPTIONS, ...init.options };
    this.#metrics = makeMetrics(init.metrics ?? new SelfMetrics(), {
      shards: () => this.#shards.values(),
      metadata: this.#metadata,
      tombstones: this.#tombstones,
      overMs: () => init.clock.nowMs() - options.sealGraceMs,
    });
    const levelStores = init.levelStores ?? nativeLevelStores(this.#folder());
    const pool = new StorePool(levelStores, {
      clock: init.clock,
      logger: this.#logger,
      openMax: options.openWindowsMax,
      idleMs: options.closeWindowsAfterMs,
    });
    const quarantine = (what: string, name: string, bytes: Uint8Array | undefined) =>
      this.#quarantine(what, name, bytes);
    this.#context = {
      disk: init.disk,
      clock: init.clock,
      options,
      pool,
      installationKey: init.installationKey,
      logger: this.#logger,
      quarantine,
      tombstones: this.#tombstones,
      windows: { pool, quarantine },
      labels: new PartitionLabels(),
    };
    this.#blocks = new BlockCache(options.blockCacheBytes);
    const ranges = new RangeCache(init.objectStore, options.segmentCacheBytes);
    this.#segments = new Segments(ranges, options.segmentIndexBytes, quarantine);
    const { objectStore, clock } = init;
    const tiering = { objectStore, clock, claims: this.#claims, options, logger: this.#logger };
    this.#reaper = new Reaper({
      ...tiering,
      nowMs: () => clock.nowMs(),
      onRemoved: (object, bytes, reason) => {
        this.#segments.forget(object);
        this.#metrics.reclaimedBytes.with(reason).add(bytes);
      },
    });
    this.#compactor = new Compactor({
      ...tiering,
      quarantine,
      reaper: this.#reaper,
      tombstones: this.#tombstones,
      segments: this.#segments,
    });
    this.#due = new CheckpointDue(init.clock, options);
    this.#source = makeSource({
      clock: init.clock,
      shards: ({ partitions }) => this.#shardsOf(partitions),
      segments: this.#segments,
      blocks: this.#blocks,
      tombstones: this.#tombstones,
    });
  }

  async open(): Promise<void> {
    await this.#tombstones.load(this.#init.disk);
    await loadMetadata(this.#init.disk, this.#metadata, this.#context.quarantine);
    const manifests = await this.#readManifests();
    if (manifests === undefined) {
      const error = this.#sealedUnknown;
      this.#logger.warn('manifests cannot be read; sealed data is missing from answers until they can', { error });
    }
    for (const name of await listShards(this.#init.disk)) {
      const sealed = manifests === undefined ? undefined : (manifests.get(keyOf(name)) ?? NOTHING_SEALED);
      const shard = await openShard(this.#context, name, sealed);
      if (shard !== undefined) this.#shards.set(keyOf(name), shard);
    }
    if (manifests !== undefined) this.#adopt(manifests);
    this.#limitAnswers();
  }

  position(tp: TopicPartitionName): number {
    return this.#shards.get(keyOf(tp))?.position ?? 0;
  }

  positions(): readonly EnginePosition[] {
    return [...this.#shards.values()].map(({ name, position }) => ({ ...name, offset: position }));
  }

  applySamples({ topic, partition, offset, batch }: SampleRecord): boolean {
    const applied = this.#apply({ topic, partition }, 'raw', offset, () => samplesToEntries(batch));
    if (applied && batch.metadata) this.#metadata.apply(batch.tenant, batch.metadata, batch.admittedAtMs);
    return applied;
  }

  applyRows({ topic, partition, offset, batch }: RowRecord): boolean {
    return this.#apply({ topic, partition }, batch.resolution, offset, () => {
      const { entries, refused } = rowsToEntries(batch);
      if (refused > 0) this.#metrics.rowsRefused.add(refused);
      return entries;
    });
  }

  applyDelete(tombstone: Tombstone): boolean {
    this.#checkOpen();
    const shard = this.#shard(tombstone, 'raw');
    if (tombstone.offset < shard.position) return false;
    this.#tombstones.add(tombstone);
    cutShard(shard, tombstone);
    shard.position = tombstone.offset + 1;
    return true;
  }

  advance(tp: TopicPartitionName, nextOffset: number): void {
    const shard = this.#shards.get(keyOf(tp));
    if (shard !== undefined) shard.position = Math.max(shard.position, nextOffset);
  }

  checkpointDue(): boolean {
    return this.#due.isDue(this.#shards.values());
  }

  checkpoint(): Promise<readonly EnginePosition[]> {
    return this.#work.run(async () => {
      this.#checkOpen();
      await this.#checkpointAll();
      return [...this.#shards.values()].map(({ name, durablePosition }) => ({ ...name, offset: durablePosition }));
    });
  }

  seal(request: { readonly supplementsToo?: boolean } = {}): Promise<SealReport> {
    return this.#work.run(async () => {
      this.#checkOpen();
      const startMs = this.#init.clock.monotonicMs();
      const failures: string[] = [];
      await this.#learnManifests(failures);
      const nowMs = this.#init.clock.nowMs();
      const windows: SealReport['windows'][number][] = [];
      let expired = 0;
      const later = (work: Promise<void>) => this.#later(work);
      const context = {
        ...this.#context,
        objectStore: this.#init.objectStore,
        claims: this.#claims,
        reaper: this.#reaper,
        blocks: this.#blocks,
        later,
      };
      this.#limitAnswers();
      let held = 0;
      for (const shard of this.#shards.values()) {
        await this.#attempt(shard, failures, async () => {
          const supplementsToo = request.supplementsToo ?? false;
          for (const sealed of await sealShard(context, shard, { nowMs, supplementsToo })) {
            const endMs = sealed.startMs + shard.windowMs;
            const { shard: _, ...facts } = sealed;
            windows.push({ ...shard.name, tier: shard.tier, endMs, ...facts });
          }
        });
        await this.#attempt(shard, failures, async () => {
          const retained = await retain(context, shard, nowMs);
          expired += retained.segments;
          held += retained.held;
          this.#metrics.retentionWindows.add(retained.windows);
        });
        await this.#attempt(shard, failures, async () => {
          const { signal } = this.#closing;
          this.#metrics.seriesForgotten.add(await forgetSeries({ ...this.#context, signal }, shard));
        });
      }
      this.#metrics.retentionSegments.add(expired);
      this.#metrics.retentionHeld.set(held);
      this.#metrics.sealSeconds.observe((this.#init.clock.monotonicMs() - startMs) / 1000);
      return { windows, expired, failures };
    });
  }

  compact({ signal, cleanAll = false }: CompactRequest = {}): Promise<CompactReport> {
    return this.#compacting.run(async () => {
      this.#checkOpen();
      const { clock } = this.#init;
      const startMs = clock.monotonicMs();
      // A manifest that is not known may name anything.
      const shards = this.#sealedUnknown === undefined ? [...this.#shards.values()] : [];
      const report = await this.#compactor.run(shards, { signal: signals(this.#closing.signal, signal), cleanAll });
      if (report.jobs > 0) this.#metrics.compactSeconds.observe((clock.monotonicMs() - startMs) / 1000);
      this.#metrics.compactions.add(report.jobs);
      this.#metrics.compactedSegments.add(report.segmentsBefore);
      return report;
    });
  }

  whileStill<T>(work: () => Promise<T>): Promise<T> {
    return this.#compacting.run(() => this.#work.run(work));
  }

  source(): SeriesSource {
    return this.#source;
  }

  get sealedUnknown(): string | undefined {
    return this.#sealedUnknown;
  }

  stats(): StorageStats {
    return { ...collectStats(this.#shards.values()), deletes: this.#tombstones.count };
  }

  async cardinality(request: CardinalityRequest): Promise<Cardinality> {
    const shards = [...this.#shardsOf(request.partitions)];
    for (const shard of shards) shard.refHolders++;
    try {
      return await countCardinality(shards, request, new Turns(this.#init.clock, request.signal));
    } finally {
      for (const shard of shards) shard.refHolders--;
    }
  }

  metadata(request: MetadataRequest): Iterable<MetricDescriptions> {
    return this.#metadata.list(request);
  }

  async close(): Promise<void> {
    this.#closing.abort(storageError('STORAGE_CLOSED', 'the storage engine is closed'));
    await this.#compacting.run(() => Promise.resolve());
    await this.#work.run(async () => {
      if (this.#closed) return;
      try {
        await this.#checkpointAll();
      } finally {
        await this.letGo();
      }
    });
  }

  /** Closes what is open, durable or not. */
  async letGo(): Promise<void> {
    this.#closed = true;
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    const closings = [...this.#shards.values()].map((shard) => shard.seriesFile?.close());
    await Promise.allSettled(closings);
    await this.#context.pool.close();
    await Promise.all(closings);
  }

  *#shardsOf(partitions: readonly number[] | undefined): Iterable<Shard> {
    for (const shard of this.#shards.values()) {
      if (partitions === undefined || partitions.includes(shard.name.partition)) yield shard;
    }
  }

  async #checkpointAll(): Promise<void> {
    const { clock } = this.#init;
    const startMs = clock.monotonicMs();
    const durable = this.#due.begin();
    let bytes = 0;
    for (const shard of this.#shards.values()) {
      if (shard.changedSinceCheckpoint) bytes += await checkpointShard(this.#context, shard);
    }
    // Those that were forgotten.
    await this.#tombstones.save(this.#init.disk);
    await saveMetadata(this.#init.disk, this.#metadata, clock.nowMs());
    durable();
    this.#metrics.checkpointBytes.add(bytes);
    this.#metrics.checkpointSeconds.observe((clock.monotonicMs() - startMs) / 1000);
  }

  /** The world's faults are noted, for whoever called to say: the next seal tries again. */
  async #attempt(shard: Shard, failures: string[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      failures.push(`${keyOf(shard.name)}: ${messageOf(error)}`);
    }
  }

  #limitAnswers(): void {
    const nowMs = this.#init.clock.nowMs();
    for (const shard of this.#shards.values()) limitAnswers(this.#context.options, shard, nowMs);
  }

  #later(work: Promise<void>): void {
    const done: Promise<void> = work
      .catch((error: unknown) =>
        this.#logger.error('a sealed window could not be removed', { error: messageOf(error) }),
      )
      .finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  #apply(tp: ShardName, tier: Tier, offset: number, entries: () => ShardEntries): boolean {
    this.#checkOpen();
    const shard = this.#shard(tp, tier);
    if (offset < shard.position) {
      shard.counts.redelivered++;
      return false;
    }
    const given = entries();
    const applied = shard.apply(offset, given);
    if (applied) this.#due.applied(given.count);
    return applied;
  }

  #shard(tp: ShardName, tier: Tier): Shard {
    const known = this.#shards.get(keyOf(tp));
    if (known !== undefined) {
      if (known.tier === tier) return known;
      throw storageError(
        'STORAGE_TIER_MISMATCH',
        `${tp.topic}/${tp.partition} holds ${known.tier}; ${tier} cannot go there`,
        { ...tp, tier, expected: known.tier },
      );
    }
    if (this.#sealedUnknown !== undefined) {
      throw storageError(
        'STORAGE_MANIFEST_UNKNOWN',
        `whether anything of ${tp.topic}/${tp.partition} is sealed already is unknown while the object store is away`,
        { ...tp },
      );
    }
    const shard = new Shard(this.#context, { topic: tp.topic, partition: tp.partition }, tier);
    shard.setSealed(NOTHING_SEALED);
    this.#shards.set(keyOf(tp), shard);
    return shard;
  }

  /** Tries again to learn what is sealed; local windows that a manifest names are dropped. */
  async #learnManifests(failures: string[]): Promise<void> {
    if (this.#sealedUnknown === undefined) return;
    const manifests = await this.#readManifests();
    if (manifests === undefined) {
      failures.push(`what is sealed is unknown: ${this.#sealedUnknown}`);
      return;
    }
    for (const shard of this.#shards.values()) {
      shard.setSealed(manifests.get(keyOf(shard.name)) ?? NOTHING_SEALED);
      await dropSealed(this.#logger, shard);
    }
    this.#adopt(manifests);
  }

  /** Shards that are only known from their manifest: their segments are read all the same. */
  #adopt(manifests: ReadonlyMap<string, Manifest>): void {
    for (const [key, manifest] of manifests) {
      const { topic, partition, tier } = manifest;
      if (this.#shards.has(key)) continue;
      const shard = new Shard(this.#context, { topic, partition }, tier);
      shard.setSealed(manifest);
      this.#shards.set(key, shard);
    }
    this.#sealedUnknown = undefined;
  }

  /** By topic partition; undefined when they cannot all be read now. */
  async #readManifests(): Promise<Map<string, Manifest> | undefined> {
    try {
      const manifests = await readAllManifests(this.#init.objectStore);
      return new Map(manifests.map((manifest) => [keyOf(manifest), manifest]));
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      this.#sealedUnknown = messageOf(error);
      return undefined;
    }
  }

  #quarantine(what: string, name: string, bytes: Uint8Array | undefined): void {
    this.#metrics.quarantined.with(what).add();
    this.#logger.error('damaged: kept aside, answers warn', { what, name, bytes: bytes?.length });
    if (bytes === undefined) return;
    const { disk } = this.#init;
    disk
      .makeFolder(QUARANTINE_FOLDER)
      .then(() => disk.writeAtomic(quarantineName(what, name), bytes))
      .catch((error: unknown) =>
        this.#logger.error('what was damaged could not be kept aside', { name, error: messageOf(error) }),
      );
  }

  #folder(): string {
    const folder = this.#init.folder ?? this.#init.disk.nativePath?.('');
    if (folder !== undefined) return folder;
    throw storageError('STORAGE_NO_FOLDER', 'a folder for LevelDB, or level stores of another kind, must be given');
  }

  #checkOpen(): void {
    if (this.#closed) throw storageError('STORAGE_CLOSED', 'the storage engine is closed');
  }
}

function signals(own: AbortSignal, other: AbortSignal | undefined): AbortSignal {
  return other === undefined ? own : AbortSignal.any([own, other]);
}

function keyOf({ topic, partition }: TopicPartitionName): string {
  return `${topic}/${partition}`;
}
