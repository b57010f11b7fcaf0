import { join } from 'node:path';
import {
  type Clock,
  type Logger,
  type LogLevel,
  type MetricDescription,
  nodeDisk,
  type Random,
  SelfMetrics,
  systemClock,
} from '@tidemark/base';
import { openEmbeddedLog, type TopicSpec } from '@tidemark/log';
import { TOPIC_INTENTS, topicName } from '@tidemark/model';
import { openFileObjectStore, openStorageEngine } from '@tidemark/storage-engine';
import { metricMetadata } from './api/metric-metadata.ts';
import { processStatus } from './api/process-status.ts';
import { storageStatus } from './api/storage-status.ts';
import { targetAnswers } from './api/targets.ts';
import { tsdbAdminRouter } from './api/tsdb-admin.ts';
import { tsdbStatus } from './api/tsdb-status.ts';
import { createApp, type FlushReport } from './app.ts';
import type { LoadedConfig } from './config/load.ts';
import type { Config, Role } from './config/schema.ts';
import { openInstallation, prepareDataFolder } from './data-folder.ts';
import { isLoopback, listenOn } from './http.ts';
import { processMetrics } from './process-metrics.ts';
import { Reloader } from './reload.ts';
import { readRules, startAlerting } from './roles/alerting.ts';
import { alertmanagerRouter } from './roles/alertmanager-api.ts';
import { startCollector } from './roles/collector.ts';
import { makeDeleter } from './roles/deletes.ts';
import { startIngest } from './roles/ingest.ts';
import { readNotifierSetup } from './roles/notifier-setup.ts';
import { startQuery } from './roles/query.ts';
import { openRepair, type Repair } from './roles/repair.ts';
import { runRollup } from './roles/rollup.ts';
import { recordSchemas } from './roles/schemas.ts';
import { takeSnapshot } from './roles/snapshot.ts';
import { Storer } from './roles/storer.ts';
import { RolledUp, startTiering } from './roles/tiering.ts';
import { VERSION } from './version.ts';

// The only file that knows every package: who is handed to whom. Reading it is reading the architecture.
//
//   disk ─ log ─┬─ ingest ◀─ collector
//               ├─ storer ─ storage engine ─ query ◀─ rules ─▶ log
//               ├─ rollup ─▶ log
//               └─ notifier
//
// Parts start from the log outwards and stop the other way round: what takes in first, what keeps last.

export interface TidemarkOptions {
  readonly loaded: LoadedConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A part ended that should run: the process should end, and be started again. */
  readonly onFailure: (what: string, error: unknown) => void;
  /** Reads the configuration again, as at the start. */
  readonly load: () => Promise<LoadedConfig>;
  readonly setLogLevel: (level: LogLevel) => void;
  /** Somebody who may asks the process to stop. */
  readonly onQuit: () => void;
}

export interface Tidemark {
  readonly url: string;
  readonly dataFolder: string;
  /** Reads the configuration again; throws what is wrong with it, and then nothing has changed. */
  reload(): Promise<void>;
  /** Every metric it has of itself. */
  describeMetrics(): readonly MetricDescription[];
  /** Stops taking in, checkpoints, lets go. Twice is fine. */
  close(): Promise<void>;
}

// The listener's last answers: long enough for a query under way, short of the ten seconds in all.
const HTTP_GRACE_MS = 3000;
// What takes longer than this when told to stop would have been cut anyway.
const QUERY_GRACE_MS = 1000;
const FLUSH_TIMEOUT_MS = 60_000;
// 16 MiB: the log lets go of whole files, and on one machine a minute of samples should not wait for an hour's.
const JOURNAL_FILE_BYTES = 16 * 1024 * 1024;

export async function startTidemark(options: TidemarkOptions): Promise<Tidemark> {
  const { clock, random, logger, onFailure } = options;
  const { config } = options.loaded;
  const roles = new Set<Role>(config.roles);
  await using parts = new AsyncDisposableStack();
  const metrics = new SelfMetrics();
  processMetrics(metrics, clock);
  const reloader = new Reloader({ loaded: options.loaded, load: options.load, clock, logger, metrics });
  for (const sentence of options.loaded.warnings) logger.warn(sentence);

  // Read before anything is opened: a mistake in them leaves no trace on disk.
  const ruleFiles = await readRules(config, logger);
  const notifierSetup = await readNotifierSetup(config.notifier, logger);
  const listening = await listenOn(config.http.listen);
  parts.defer(() => listening.close(HTTP_GRACE_MS));
  const dataFolder = await prepareDataFolder(config.data);
  const disk = nodeDisk(dataFolder);
  const installation = await openInstallation(disk, dataFolder, config.log.partitions, random);
  const log = await openEmbeddedLog({
    disk,
    clock,
    logger: logger.child('log'),
    metrics,
    options: {
      folder: 'log',
      fileBytesMax: JOURNAL_FILE_BYTES,
      retainBytesMax: config.log.keepBytes,
      retainMaxMs: config.log.keepAge,
    },
  });
  parts.defer(() => log.close());
  await log.ensureTopics(topicSpecs(config));
  await recordSchemas(log, config.log.topicPrefix);

  const retentionMs = {
    raw: config.store.retentionRaw,
    '1m': config.store.retention1m,
    '1h': config.store.retention1h,
  };
  const topic = (role: Parameters<typeof topicName>[0]) => topicName(role, config.log.topicPrefix);
  const rolledUp = new RolledUp({
    log,
    clock,
    logger: logger.child('tiering'),
    rawTopics: [topic('raw')],
    partitions: installation.partitions,
    rollup: roles.has('rollup'),
    onFailure,
  });
  const objectFolder = config.store.objects === '' ? join(dataFolder, 'objects') : config.store.objects;
  const engine = await openStorageEngine({
    disk: nodeDisk(join(dataFolder, 'store')),
    folder: join(dataFolder, 'store'),
    objectStore: await openFileObjectStore(objectFolder),
    clock,
    logger: logger.child('store'),
    metrics,
    installationKey: installation.key,
    options: {
      checkpointEveryMs: config.store.checkpointInterval,
      sealGraceMs: config.store.sealGrace,
      retentionMs,
      rolledUpThrough: rolledUp.through,
    },
  });
  parts.defer(() => engine.close());
  const repair = await openRepair({ disk: nodeDisk(join(dataFolder, 'repair')), clock, logger });
  const storer = new Storer({
    log,
    engine,
    clock,
    logger: logger.child('storer'),
    metrics,
    sampleTopics: [topic('raw')],
    rowTopics: [topic('1m'), topic('1h')],
    partitions: installation.partitions,
    marks: repair.marks,
    onFailure,
  });
  if (roles.has('store')) {
    await storer.start();
    parts.defer(() => storer.close());
    const topics = { '1m': topic('1m'), '1h': topic('1h') };
    const readThrough = (partition: number) => storer.readThrough({ topic: topic('raw'), partition });
    const source = engine.source();
    repair.start({ log, source, metrics, topics, readThrough, rawRetentionMs: retentionMs.raw, onFailure });
    parts.defer(() => repair.close());
    rolledUp.start();
    parts.defer(() => rolledUp.close());
    const tiering = startTiering({ engine, clock, logger: logger.child('tiering'), onFailure });
    parts.defer(() => tiering.close());
  }
  if (roles.has('rollup')) {
    const rollup = await runRollup({
      log,
      clock,
      disk,
      partitions: installation.partitions,
      topicPrefix: config.log.topicPrefix,
      logger: logger.child('rollup'),
      metrics,
      onFailure,
    });
    parts.defer(() => rollup.close());
  }
  const query = startQuery({
    config,
    source: engine.source(),
    metadata: (request) => engine.metadata(request),
    freshness: storer,
    externalLabels: () => reloader.current.externalLabels,
    clock,
    metrics,
  });
  const ingest = startIngest({ config, log, clock, random, logger: logger.child('ingest'), metrics });
  const alerting = await startAlerting({
    config,
    ruleFiles,
    externalLabels: options.loaded.externalLabels,
    notifierSetup,
    roles,
    log,
    query: query.service,
    sink: ingest.sinkFor('rules'),
    clock,
    random,
    logger,
    metrics,
    externalUrl: listening.url,
    onFailure,
  });
  parts.defer(() => alerting.close());
  const collector = roles.has('collect')
    ? await startCollector({
        config,
        sinkFor: (protocol) => ingest.sinkFor(protocol),
        clock,
        random,
        logger,
        metrics,
      })
    : undefined;
  if (collector) parts.defer(() => collector.close());
  reloader.add({
    settings: ['logging.level'],
    prepare: async (next) => () => options.setLogLevel(next.config.logging.level),
  });
  reloader.add({ settings: ['ingest'], prepare: async (next) => () => ingest.setLimits(next.config) });
  reloader.add({ settings: ['federation'], prepare: async () => () => undefined });
  reloader.add({
    settings: ['rules.files'],
    prepare: (next) => alerting.prepareRules(next.config),
  });
  const { notifying } = alerting;
  if (notifying) {
    reloader.add({ settings: ['notifier'], prepare: (next) => notifying.prepare(next.config.notifier) });
  }
  if (collector) {
    reloader.add({
      settings: ['scrape', 'collector.self', 'collector.selfInterval'],
      prepare: async (next) => () => collector.scrape(next, listening.url),
    });
  }
  const deleter = makeDeleter({
    log,
    engine,
    clock,
    logger,
    rawTopic: topic('raw'),
    partitions: installation.partitions,
    caughtUp: (timeoutMs) => storer.caughtUp(timeoutMs),
    checkpoint: () => storer.checkpoint(),
  });
  const snapshot = () => takeSnapshot({ dataFolder, objectFolder, engine, clock, random });
  const admin = { ...deleter, snapshot };
  const app = createApp({
    metrics,
    writes: roles.has('ingest') ? ingest.handlers : {},
    queries: roles.has('query') ? query.router : undefined,
    federate: roles.has('query') ? query.federate : undefined,
    alertmanager: notifying && alertmanagerRouter({ notifier: notifying.notifier, clock, version: VERSION }),
    rules: alerting.rulesJson,
    alerts: alerting.alertsJson,
    status: {
      '/status/tsdb': tsdbStatus((request) => engine.cardinality(request)),
      // Alerts go to our own notifier, which speaks Alertmanager's API; to none outside.
      '/alertmanagers': () => ({
        activeAlertmanagers: notifying ? [{ url: `${listening.url}/api/v2/alerts` }] : [],
        droppedAlertmanagers: [],
      }),
      '/metadata': metricMetadata((request) => engine.metadata(request)),
      ...targetAnswers(() => collector?.scraper),
      '/status/storage': storageStatus({ engine, log, retentionMs }),
      ...processStatus({
        loaded: () => reloader.current,
        lastReload: () => reloader.last,
        corruptions: () => engine.stats().shards.reduce((sum, { damagedWindows }) => sum + damagedWindows, 0),
        clock,
      }),
    },
    tsdbAdmin: roles.has('store') ? tsdbAdminRouter(mayAdmin(config) ? admin : undefined) : undefined,
    flush: roles.has('store') ? () => flushStore(storer, repair) : undefined,
    reload: () => reloader.reload(),
    quit: config.http.quit ? options.onQuit : undefined,
    page: roles.has('ui'),
  });
  // Registered last, so that stopping begins with taking nothing in.
  parts.defer(async () => {
    const cancel = systemClock.after(QUERY_GRACE_MS, () => query.service.close());
    await listening.close(HTTP_GRACE_MS);
    cancel();
    query.service.close();
  });
  listening.serve(app);
  // Only now, because it scrapes itself too.
  await collector?.scrape(options.loaded, listening.url);
  const owned = parts.move();
  return {
    url: listening.url,
    dataFolder,
    reload: () => reloader.reload(),
    describeMetrics: () => metrics.describe(),
    close: () => owned.disposeAsync(),
  };
}

async function flushStore(storer: Storer, repair: Repair): Promise<FlushReport> {
  await storer.caughtUp(FLUSH_TIMEOUT_MS);
  await repair.runAll();
  return { caughtUp: await storer.flush(FLUSH_TIMEOUT_MS) };
}

function mayAdmin({ http }: Config): boolean {
  return http.adminApi === 'on' || (http.adminApi === 'auto' && isLoopback(http.listen));
}

function topicSpecs(config: Config): TopicSpec[] {
  return TOPIC_INTENTS.map(({ role, partitions, compacted, retentionMs }) => ({
    name: topicName(role, config.log.topicPrefix),
    partitions: partitions === 'data' ? config.log.partitions : 1,
    compacted,
    retentionMs,
  }));
}
