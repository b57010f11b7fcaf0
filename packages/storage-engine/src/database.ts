import { isTidemarkError, type Logger, Mutex, messageOf, SelfMetrics, silentLogger } from '@tidemark/base';
import {
  type Cardinality,
  type CardinalityRequest,
  type ExemplarRequest,
  type KeptMs,
  type MetadataRequest,
  type MetricDescriptions,
  Retention,
  type RetentionRule,
  type SelectAnswer,
  type SelectedExemplars,
  type SeriesSource,
  type TimeRange,
} from '@tidemark/model';
import { cutShard } from './deletes/cut.ts';
import type { Tombstone } from './deletes/tombstone.ts';
import { Tombstones } from './deletes/tombstones.ts';
import type { CompactRequest, SealReport, StorageEngine, StorageEngineInit } from './engine.ts';
import { storageError } from './errors.ts';
import { Exemplars } from './exemplars/exemplars.ts';
import { loadExemplars, saveExemplars } from './exemplars/exemplars-file.ts';
import type { ShardName } from './filename.ts';
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
import { DiskCache } from './object-store/disk-cache.ts';
import { DEFAULT_OPTIONS } from './options.ts';
import { nativeLevelStores } from './partition/native-level-store.ts';
import { StorePool } from './partition/store-pool.ts';
import { forgetTwins } from './partition/window-rescue.ts';
import { makeQuarantine } from './quarantine.ts';
import { BlockCache } from './read/block-cache.ts';
import { makeSource } from './read/source.ts';
import { Turns } from './read/turns.ts';
import { Segments } from './segment/segments.ts';
import { PartitionLabels } from './series/shared-labels.ts';
import { CheckpointDue } from './shard/checkpoint-due.ts';
import { checkpointShard } from './shard/checkpointing.ts';
import { forgetSeries } from './shard/forgetting.ts';
import { dropSealed, listShards, type OpenContext, openShard } from './shard/opening.ts';
import { beginRefill, cutsRefill, endRefill, lackingWindows } from './shard/refill.ts';
import { sealShard } from './shard/sealing.ts';
import { Shard, type ShardEntries } from './shard/shard.ts';
import { collectStats, type StorageStats } from './stats.ts';
import { ObjectClaims } from './tiering/claims.ts';
import { Compactor, type CompactReport } from './tiering/compactor.ts';
import { type HeldObjects, holdObjects } from './tiering/held.ts';
import { learnManifests } from './tiering/learn-manifests.ts';
import { type Manifest, NOTHING_SEALED } from './tiering/manifest.ts';
import { Reaper } from './tiering/reaper.ts';
import { limitAnswers, retain } from './tiering/retention.ts';
import { activeSeries, countUsage, type Usage, type UsageRequest } from './usage.ts';

// The engine: shards by topic partition over one disk, one folder of LevelDB windows and one object store.
//
//   log record ─apply─> shard's head ─checkpoint─> checkpoint file + windows ─seal─> segments + manifest
//                            └──────────────┴── source() ──┴──────────────────────────────┘

/** Throws `STORAGE_FOREIGN`, `STORAGE_IO`, `DISK_*`. Neither damage nor an object store that is away is an error: reads warn. */
export async function openStorageEngine(init: StorageEngineInit): Promise<StorageEngine> {
  const { disk, objectStore: store, clock, options } = init;
  const logger = (init.logger ?? silentLogger).child('storage');
  const bytesMax = options?.segmentDiskCacheBytes ?? DEFAULT_OPTIONS.segmentDiskCacheBytes;
  const diskCache = await DiskCache.openIfAny({ disk, store, clock, logger, bytesMax });
  const engine = new Engine(init, diskCache);
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
  readonly #diskCache: DiskCache | undefined;
  readonly #shards = new Map<string, Shard>();
  readonly #metadata: Metadata;
  readonly #exemplars: Exemplars;
  readonly #tombstones = new Tombstones();
  readonly #work = new Mutex();
  readonly #claims = new ObjectClaims();
  readonly #reaper: Reaper;
  readonly #compactor: Compactor;
  readonly #compacting = new Mutex();
  readonly #retention: Retention;
  readonly #due: CheckpointDue;
  readonly #closing = new AbortController();
  readonly #source: SeriesSource;
  /** Why not every manifest there is has been found; until then an unknown topic partition may have segments. */
  #sealedUnknown: string | undefined = 'manifests were not read yet';
  #closed = false;
  readonly #underWay = new Set<Promise<void>>();

  constructor(init: StorageEngineInit, diskCache: DiskCache | undefined) {
    this.#init = init;
    this.#diskCache = diskCache;
    this.#logger = (init.logger ?? silentLogger).child('storage');
    const options = { ...DEFAULT_OPTIONS, ...init.options };
    this.#metadata = new Metadata({ retentionMs: options.metadataRetentionMs });
    this.#retention = new Retention(options.retentionMs, options.retentionRules);
    this.#exemplars = new Exemplars({
      bytesPerTenant: options.exemplarBytesPerTenant,
      bytesMax: options.exemplarBytesMax,
      retentionMs: options.exemplarRetentionMs,
    });
    this.#metrics = makeMetrics(init.metrics ?? new SelfMetrics(), {
      shards: () => this.#shards.values(),
      metadata: this.#metadata,
      exemplars: this.#exemplars,
      tombstones: this.#tombstones,
      active: () => this.activeSeries(),
      caches: () => ({ windows: this.#blocks.bytes, ...this.#segments.cacheBytes }),
      diskCache: diskCache?.counts,
      overMs: () => init.clock.nowMs() - options.sealGraceMs,
    });
    const levelStores = init.levelStores ?? nativeLevelStores(this.#folder());
    const pool = new StorePool(levelStores, {
      clock: init.clock,
      logger: this.#logger,
      openMax: options.openWindowsMax,
      idleMs: options.closeWindowsAfterMs,
    });
    const count = (what: string) => this.#metrics.quarantined.with(what).add();
    const quarantine = makeQuarantine({ disk: init.disk, logger: this.#logger, count });
    this.#context = {
      disk: init.disk,
      clock: init.clock,
      options,
      retention: this.#retention,
      pool,
      installationKey: init.installationKey,
      logger: this.#logger,
      quarantine,
      tombstones: this.#tombstones,
      windows: { pool, quarantine },
      later: (work) => this.#later(work),
      labels: new PartitionLabels(),
    };
    this.#blocks = new BlockCache(options.blockCacheBytes);
    const ranges = new RangeCache(diskCache ?? init.objectStore, options.segmentCacheBytes);
    this.#segments = new Segments(ranges, options.segmentIndexBytes, quarantine);
    const { objectStore, clock } = init;
    const tiering = { objectStore, clock, claims: this.#claims, options, logger: this.#logger };
    this.#reaper = new Reaper({
      ...tiering,
      nowMs: () => clock.nowMs(),
      onRemoved: (object, bytes, reason) => {
        this.#segments.forget(object);
        this.#compactor.forget(object);
        this.#metrics.reclaimedBytes.with(reason).add(bytes);
      },
    });
    this.#compactor = new Compactor({
      ...tiering,
      quarantine,
      reaper: this.#reaper,
      tombstones: this.#tombstones,
      segments: this.#segments,
      retention: this.#retention,
    });
    this.#due = new CheckpointDue(init.clock, options);
    this.#source = makeSource({
      clock: init.clock,
      shards: ({ partitions }) => this.#shardsOf(partitions),
      segments: this.#segments,
      blocks: this.#blocks,
      tombstones: this.#tombstones,
      retention: this.#retention,
    });
  }

  async open(): Promise<void> {
    await this.#tombstones.load(this.#init.disk, this.#init.clock.nowMs(), this.#context.quarantine);
    await loadMetadata(this.#init.disk, this.#metadata, this.#context.quarantine);
    await loadExemplars(this.#init.disk, this.#exemplars, this.#init.clock.nowMs(), this.#context.quarantine);
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
    await forgetTwins(this.#context.pool);
    if (manifests !== undefined) this.#adopt(manifests);
    this.#limitAnswers();
  }

  position(tp: TopicPartitionName): number {
    return this.#shards.get(keyOf(tp))?.position ?? 0;
  }

  positions(): readonly EnginePosition[] {
    return [...this.#shards.values()].map(({ name, position }) => ({ ...name, offset: position }));
  }

  unused(tp: TopicPartitionName): number {
    const shard = this.#shards.get(keyOf(tp));
    const end = this.#tombstones.endOf(tp.topic, tp.partition);
    return Math.max(end, shard?.position ?? 0, shard?.sealedEnd ?? 0);
  }

  applySamples({ topic, partition, offset, batch }: SampleRecord): boolean {
    const applied = this.#apply({ topic, partition }, 'raw', offset, () => {
      const { entries, refused } = samplesToEntries(batch);
      if (refused > 0) this.#metrics.histogramsRefused.add(refused);
      return entries;
    });
    if (applied && batch.metadata) this.#metadata.apply(batch.tenant, batch.metadata, batch.admittedAtMs);
    if (applied && batch.exemplars) this.#exemplars.apply(batch, batch.exemplars, this.#init.clock.nowMs());
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
    const isAgain = tombstone.offset < shard.position;
    if (isAgain && !cutsRefill(shard, tombstone)) return false;
    this.#tombstones.add(tombstone);
    cutShard(shard, tombstone, isAgain ? shard.refill?.windows : undefined);
    if (isAgain) return false;
    shard.position = tombstone.offset + 1;
    return true;
  }

  advance(tp: TopicPartitionName, nextOffset: number): void {
    const shard = this.#shards.get(keyOf(tp));
    if (shard === undefined) return;
    if (shard.refill !== undefined && nextOffset >= shard.position) this.#endRefill(shard);
    shard.position = Math.max(shard.position, nextOffset);
  }

  lacking(tp: TopicPartitionName): readonly TimeRange[] {
    const shard = this.#shards.get(keyOf(tp));
    return shard === undefined ? [] : lackingWindows(shard).map(({ startMs, endMs }) => ({ startMs, endMs }));
  }

  refill(tp: TopicPartitionName, complete: readonly TimeRange[]): void {
    const shard = this.#shards.get(keyOf(tp));
    if (shard !== undefined) beginRefill(shard, new Set(complete.map(({ startMs }) => startMs)));
  }

  #endRefill(shard: Shard): void {
    const lacking = lackingWindows(shard).length;
    const whole = endRefill(shard);
    this.#logger.info('damaged windows were refilled from the log', {
      ...shard.name,
      whole: whole.length,
      lackingStill: lacking - whole.length,
    });
  }

  checkpointDue(): boolean {
    return this.#due.isDue(this.#shards.values());
  }

  checkpoint(): Promise<readonly EnginePosition[]> {
    return this.#work.run(async () => {
      this.#checkOpen();
      await this.#checkpointAll();
      return [...this.#shards.values()].flatMap(({ name, older }) =>
        older === undefined ? [] : [{ ...name, offset: older.position }],
      );
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
      const context = {
        ...this.#context,
        objectStore: this.#init.objectStore,
        claims: this.#claims,
        reaper: this.#reaper,
        blocks: this.#blocks,
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

  holdObjects(): Promise<HeldObjects> {
    return holdObjects(this.#init.objectStore, this.#reaper);
  }

  source(): SeriesSource {
    return this.#source;
  }

  setRetention(retentionMs: KeptMs, rules: readonly RetentionRule[]): void {
    this.#retention.replace(retentionMs, rules);
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

  activeSeries(): ReadonlyMap<string, number> {
    return activeSeries(this.#shards.values(), this.#init.clock.nowMs() - this.#context.options.activeMs);
  }

  async usage(request: UsageRequest): Promise<Usage> {
    const shards = [...this.#shards.values()];
    for (const shard of shards) shard.refHolders++;
    try {
      return await countUsage(shards, this.#segments, request, new Turns(this.#init.clock, request.signal));
    } finally {
      for (const shard of shards) shard.refHolders--;
    }
  }

  metadata(request: MetadataRequest): Iterable<MetricDescriptions> {
    return this.#metadata.list(request);
  }

  exemplars(request: ExemplarRequest): Promise<SelectAnswer<SelectedExemplars>> {
    const { clock } = this.#init;
    return this.#exemplars.select(request, clock.nowMs(), new Turns(clock, request.signal));
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
    const files = [...this.#shards.values()].flatMap((shard) => [shard.seriesFile, shard.spareSeriesFile]);
    const closings = files.map((file) => file?.close());
    await Promise.allSettled(closings);
    await this.#context.pool.close();
    await this.#diskCache?.close();
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
    await saveExemplars(this.#init.disk, this.#exemplars, clock.nowMs());
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
    if (offset < shard.position && shard.refill === undefined) {
      shard.counts.redelivered++;
      return false;
    }
    if (offset >= shard.position && shard.refill !== undefined) this.#endRefill(shard);
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
      const { objectStore } = this.#init;
      const manifests = await learnManifests({ ...this.#context, objectStore });
      return new Map(manifests.map((manifest) => [keyOf(manifest), manifest]));
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      this.#sealedUnknown = messageOf(error);
      return undefined;
    }
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
