import { join } from 'node:path';
import { type Clock, type Logger, nodeDisk, type Random, type SelfMetrics } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { type KeptMs, RAW_ROLES, type RawRole, type Retention, type TopicRole, topicName } from '@tidemark/model';
import { Admission, UnreadAnswers } from '@tidemark/query';
import { openStorageEngine, type StorageEngine } from '@tidemark/storage-engine';
import { SamplesFreshness } from '@tidemark/stream-rollup';
import type { Router } from 'express';
import type { TsdbAdmin } from '../api/tsdb-admin.ts';
import type { FlushReport } from '../app.ts';
import { keptMsOf, rulesOf } from '../config/retention.ts';
import type { Config } from '../config/schema.ts';
import type { Installation } from '../data-folder.ts';
import type { Problem } from '../readiness.ts';
import { StoreReader } from '../store-api/store-reader.ts';
import { storeRouter } from '../store-api/store-router.ts';
import { makeDeleter } from './deletes.ts';
import { inTurn } from './in-turn.ts';
import { openObjects } from './objects.ts';
import { mayComeLater } from './open-log.ts';
import { checkShare, ownedPartitions } from './ordinal.ts';
import type { Reads } from './reads.ts';
import { openRepair, type Repair } from './repair.ts';
import { sampleTopics } from './repartition.ts';
import { takeSnapshot } from './snapshot.ts';
import { refuseSnapshotOf } from './snapshot-mark.ts';
import { claimFolder, identityOf, storerGroup } from './store-identity.ts';
import { Storer } from './storer.ts';
import { RolledUp, startTiering } from './tiering.ts';

// What one storer is made of.
//
//   log ─ storer ─▶ engine ─┬─▶ reads, here and for other processes (store-api/)
//     ▲               ▲     └─ tiering: compaction, reclaiming
//     └── repair ─────┘  rows made anew from raw; rolled up: how far raw is in rows
//
// They start from the engine outwards and stop the other way round.

export interface StoreParts {
  readonly config: Config;
  readonly dataFolder: string;
  readonly installation: Installation;
  readonly log: Log;
  readonly retention: Retention;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly onFailure: (what: string, error: unknown) => void;
  /** Says what the start waits for, to whoever asks whether this process is ready. */
  readonly waitingFor: (reason: Problem) => void;
  /** Aborted: the process is told to stop, and its start waits for no bucket. */
  readonly signal: AbortSignal;
}

export interface StoreRole {
  readonly engine: StorageEngine;
  readonly retentionMs: KeptMs;
  readonly reads: Reads;
  /** What other processes ask of it. */
  readonly router: Router;
  readonly admin: TsdbAdmin;
  /** Why it is not ready; undefined when it is. */
  problem(): string | undefined;
  /** Everything acknowledged so far into the store, sealed where a window is over. */
  flush(): Promise<FlushReport>;
  close(): Promise<void>;
}

// Whoever asks whether this process is ready hears soon what it waits for; what takes less is no matter.
const SAY_AFTER_MS = 5_000;
const FLUSH_TIMEOUT_MS = 60_000;
// Questions of other processes that wait for a place.
const WAITING_MAX = 1000;

export async function startStore(parts: StoreParts): Promise<StoreRole> {
  const { config, dataFolder, installation, log, clock, random, logger, metrics, onFailure } = parts;
  await using started = new AsyncDisposableStack();
  const { partitions } = installation;
  const identity = identityOf(config);
  checkShare('store', identity, partitions);
  await claimFolder(nodeDisk(dataFolder), dataFolder, identity);
  const owned = ownedPartitions(identity, partitions);
  const topic = (role: TopicRole) => topicName(role, config.log.topicPrefix);
  const retentionMs = keptMsOf(config.store);
  const rolledUp = new RolledUp({
    log,
    clock,
    logger: logger.child('tiering'),
    rawTopics: RAW_ROLES.map(topic),
    partitions: owned,
    // On a log that others share, they may.
    rollup: config.log.kind === 'kafka' || config.roles.includes('rollup'),
    onFailure,
  });
  const objects = await openObjects({
    config: config.store,
    dataFolder,
    identity,
    logger: logger.child('store'),
    metrics,
    random,
  });
  started.use(objects);
  await refuseSnapshotOf(nodeDisk(dataFolder), dataFolder, objects.shown);
  const letGo = () => objects[Symbol.dispose]();
  parts.signal.addEventListener('abort', letGo, { once: true });
  if (parts.signal.aborted) letGo();
  parts.waitingFor(() => objects.slow(SAY_AFTER_MS));
  const engine = await openStorageEngine({
    disk: nodeDisk(join(dataFolder, 'store')),
    folder: join(dataFolder, 'store'),
    objectStore: objects.store,
    clock,
    logger: logger.child('store'),
    metrics,
    installationKey: installation.key,
    options: {
      checkpointEveryMs: config.store.checkpointInterval,
      sealGraceMs: config.store.sealGrace,
      retentionMs,
      metadataRetentionMs: config.store.metadataRetention,
      retentionRules: rulesOf(config.store),
      // A folder is no farther than the cache would be.
      segmentDiskCacheBytes: objects.folder === undefined ? config.store.cacheBytes : 0,
      exemplarRetentionMs: config.store.exemplarRetention,
      exemplarBytesPerTenant: config.store.exemplarBytes,
      exemplarBytesMax: config.store.exemplarBytes * 8,
      rolledUpThrough: rolledUp.through,
    },
  });
  started.defer(() => engine.close());
  parts.waitingFor(() => undefined);
  // Once it runs, whoever was asked before it is told to stop still reads from there, until it closes.
  parts.signal.removeEventListener('abort', letGo);
  const repair = await openRepair({ disk: nodeDisk(join(dataFolder, 'repair')), clock, logger });
  const storer = new Storer({
    log,
    engine,
    clock,
    logger: logger.child('storer'),
    metrics,
    sampleTopics: RAW_ROLES.map(topic),
    firstTopics: [topic('raw-critical')],
    rowTopics: [topic('1m'), topic('1h')],
    partitions: owned,
    group: storerGroup(identity),
    marks: repair.marks,
    passing: mayComeLater(config),
    onFailure,
  });
  await storer.start();
  started.defer(() => storer.close());
  const source = engine.source();
  const topics = { '1m': topic('1m'), '1h': topic('1h') };
  const rawKeptMs = (tenant: string, metric: string) => parts.retention.of(tenant, metric, 'raw');
  const readThrough = (source: RawRole, partition: number) =>
    storer.progress.through({ topic: topic(source), partition });
  repair.start({ log, source, metrics, topics, readThrough, rawKeptMs, onFailure });
  started.defer(() => repair.close());
  rolledUp.start();
  started.defer(() => rolledUp.close());
  const tiering = startTiering({ engine, clock, logger: logger.child('tiering'), onFailure });
  started.defer(() => tiering.close());
  const deleter = makeDeleter({
    log,
    engine,
    clock,
    logger,
    topics: { raw: topic('raw'), 'raw-critical': topic('raw-critical') },
    partitions,
    owned: owned.length,
    caughtUp: (timeoutMs) => storer.caughtUp(timeoutMs),
    checkpoint: () => storer.checkpoint(),
  });
  const before = new SamplesFreshness({ log, clock, topics: sampleTopics(config).map(({ topic: name }) => name) });
  const reads: Reads = {
    source,
    metadata: async (request) => engine.metadata(request),
    cardinality: (request) => engine.cardinality(request),
    exemplars: (request) => engine.exemplars(request),
    freshness: inTurn(clock, [before, storer]),
  };
  const { concurrency, timeout, unreadBytes, series: seriesMax, samples: samplesMax } = config.query;
  const reader = new StoreReader({
    zone: identity.zone,
    partitions,
    owned,
    reads,
    progress: storer.progress,
    before,
    unread: new UnreadAnswers(unreadBytes),
    clock,
    limits: { seriesMax, samplesMax },
  });
  const router = storeRouter({
    reader,
    admission: new Admission(concurrency, WAITING_MAX),
    timeoutMs: timeout,
    logger: logger.child('store'),
    metrics,
  });
  // First of all when it ends: whoever else ends would wait for a bucket that does not answer.
  started.use(objects);
  const running = started.move();
  return {
    engine,
    retentionMs,
    reads,
    router,
    admin: {
      ...deleter,
      snapshot: () =>
        takeSnapshot({ dataFolder, objects, hasLog: config.log.kind === 'embedded', engine, clock, random, logger }),
    },
    problem: () =>
      engine.sealedUnknown &&
      `what is sealed in ${objects.shown} is not known, it is asked again: ${engine.sealedUnknown}`,
    flush: () => flushStore(storer, repair),
    close: () => running.disposeAsync(),
  };
}

async function flushStore(storer: Storer, repair: Repair): Promise<FlushReport> {
  await storer.caughtUp(FLUSH_TIMEOUT_MS);
  await repair.runAll();
  return { caughtUp: await storer.flush(FLUSH_TIMEOUT_MS) };
}
