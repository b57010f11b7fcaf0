import { rulesAnswer } from '@tidemark/alerts';
import {
  type Clock,
  type Logger,
  type LogLevel,
  type MetricDescription,
  must,
  type Random,
  SelfMetrics,
  systemClock,
} from '@tidemark/base';
import { labelsOf } from '@tidemark/model';
import { createApp } from './app.ts';
import type { LoadedConfig } from './config/load.ts';
import { retentionOf } from './config/retention.ts';
import type { Role } from './config/schema.ts';
import { openHome } from './data-folder.ts';
import { listenOn } from './http.ts';
import { processMetrics } from './process-metrics.ts';
import { Readiness } from './readiness.ts';
import { Reloader } from './reload.ts';
import { readRules, startAlerting } from './roles/alerting.ts';
import { alertmanagerRouter } from './roles/alertmanager-api.ts';
import { startCollector } from './roles/collector.ts';
import { startIngest } from './roles/ingest.ts';
import { keepTrying } from './roles/keep-trying.ts';
import { checkRoles, needsOf } from './roles/needs.ts';
import { readNotifierSetup } from './roles/notifier-setup.ts';
import { logOpener, mayComeLater } from './roles/open-log.ts';
import { startQuery } from './roles/query.ts';
import { reloadParts } from './roles/reload-parts.ts';
import { startRemoteStores } from './roles/remote-stores.ts';
import { runRepartition } from './roles/repartition.ts';
import { runRollup } from './roles/rollup.ts';
import { statusAnswers } from './roles/status.ts';
import { startStore } from './roles/store.ts';
import { storeRoutes } from './roles/store-routes.ts';
import { VERSION } from './version.ts';

// The only file that knows every package: who is handed to whom. Reading it is reading the architecture.
//
//   disk ─ log ─┬─ ingest ◀─ collector, repartition
//               ├─ store: storer ─ storage engine ─ query ◀─ rules ─▶ log           or query ─ stores of other processes
//               ├─ rollup ─▶ log
//               └─ notifier
//
// Every part is there only if a role of this process needs it (roles/needs.ts). Parts start from the log outwards and stop the
// other way round: what takes in first, what keeps last.

export interface TidemarkOptions {
  readonly loaded: LoadedConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A part ended that should run: the process should end, and be started again. */
  readonly onFailure: (what: string, error: unknown) => void;
  /** Aborted: told to stop, be it ready or not. */
  readonly signal: AbortSignal;
  /** Reads the configuration again, as at the start. */
  readonly load: () => Promise<LoadedConfig>;
  readonly setLogLevel: (level: LogLevel) => void;
  /** Somebody who may asks the process to stop. */
  readonly onQuit: () => void;
}

export interface Tidemark {
  readonly url: string;
  /** Absent where no role of this process keeps anything. */
  readonly dataFolder: string | undefined;
  /** Why it is not ready, for people; undefined when it is. */
  notReady(): string | undefined;
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

export async function startTidemark(options: TidemarkOptions): Promise<Tidemark> {
  const { clock, random, logger, onFailure, loaded } = options;
  const { config } = loaded;
  const roles = new Set<Role>(config.roles);
  checkRoles(config);
  const needs = needsOf(config);
  await using parts = new AsyncDisposableStack();
  const metrics = new SelfMetrics();
  processMetrics(metrics, clock);
  const reloader = new Reloader({ loaded, load: options.load, clock, logger, metrics });
  for (const sentence of loaded.warnings) logger.warn(sentence);

  // Read before anything is opened: a mistake in them leaves no trace on disk.
  const ruleFiles = roles.has('rules') ? await readRules(config, logger) : [];
  const notifierSetup = roles.has('notify') ? await readNotifierSetup(config.notifier, logger) : undefined;
  const listening = await listenOn(config.http.listen);
  parts.defer(() => listening.close(HTTP_GRACE_MS));
  const readiness = new Readiness();
  const retention = retentionOf(config.store);
  const common = { config, clock, random, metrics, retention, onFailure };
  const home = needs.dataFolder ? await openHome(config, random) : undefined;
  const { waitingFor } = listening;
  const { signal } = options;
  const waits = { clock, logger, signal, waitingFor: (reason: string | undefined) => waitingFor(() => reason) };
  const openLog = logOpener({ ...common, disk: home?.disk, logger, signal });
  const log = needs.log ? await keepTrying('reach the log', mayComeLater(config), openLog, waits) : undefined;
  if (log) parts.defer(() => log.close());

  const store = roles.has('store')
    ? await startStore({ ...common, ...must(home), log: must(log), logger, waitingFor, signal })
    : undefined;
  if (store) {
    parts.defer(() => store.close());
    readiness.add(() => store.problem());
  }
  if (roles.has('rollup')) {
    const { installation, disk } = must(home);
    const { partitions } = installation;
    const { topicPrefix } = config.log;
    const own = { log: must(log), disk, partitions, topicPrefix, share: config.rollup, logger: logger.child('rollup') };
    const rollup = await runRollup({ ...common, ...own });
    parts.defer(() => rollup.close());
  }
  const remote = needs.reads && config.query.stores.length > 0 ? startRemoteStores({ ...common, logger }) : undefined;
  if (remote) {
    parts.defer(() => remote.close());
    readiness.add(() => remote.problem());
  }
  const reads = needs.reads ? (remote ?? must(store)).reads : undefined;
  const externalLabels = () => labelsOf(reloader.current.externalLabels);
  const query = reads && startQuery({ ...common, ...reads, externalLabels });
  const ingest = needs.pipeline
    ? await startIngest({ ...common, log: must(log), logger: logger.child('ingest') })
    : undefined;
  if (ingest) parts.defer(() => ingest.close());
  if (roles.has('repartition')) {
    const repartition = await runRepartition({
      ...common,
      log: must(log),
      sink: must(ingest).sinkFor('kafka'),
      logger,
    });
    parts.defer(() => repartition.close());
    readiness.add(() => repartition.problem());
  }
  const alerting =
    roles.has('rules') || notifierSetup
      ? await startAlerting({
          ...common,
          ruleFiles,
          externalLabels,
          notifierSetup,
          rules: roles.has('rules') ? { query: must(query).service, sink: must(ingest).sinkFor('rules') } : undefined,
          log: must(log),
          logger,
          externalUrl: listening.url,
        })
      : undefined;
  if (alerting) parts.defer(() => alerting.close());
  const collector = roles.has('collect')
    ? await startCollector({ ...common, logger, sinkFor: must(ingest).sinkFor })
    : undefined;
  if (collector) parts.defer(() => collector.close());

  const { setLogLevel } = options;
  for (const part of reloadParts({
    setLogLevel,
    retention,
    store,
    ingest,
    alerting,
    collector,
    ownUrl: listening.url,
  })) {
    reloader.add(part);
  }
  const notifier = alerting?.notifying?.notifier;
  const app = createApp({
    metrics,
    notReady: () => readiness.reason,
    writes: roles.has('ingest') ? must(ingest).handlers : {},
    queries: roles.has('query') ? query?.router : undefined,
    federate: roles.has('query') ? query?.federate : undefined,
    alertmanager: notifier && alertmanagerRouter({ notifier, clock, version: VERSION }),
    rules: (filter) => alerting?.rulesJson(filter) ?? rulesAnswer([], filter),
    alerts: () => alerting?.alertsJson() ?? { alerts: [] },
    status: statusAnswers({
      reads,
      store,
      log,
      notifierUrl: notifier && listening.url,
      scraper: () => collector?.scraper,
      loaded: () => reloader.current,
      lastReload: () => reloader.last,
      clock,
    }),
    ...storeRoutes(store, remote, config),
    stored: store?.router,
    reload: () => reloader.reload(),
    quit: config.http.quit ? options.onQuit : undefined,
    page: roles.has('ui'),
    corsOrigin: config.http.corsOrigin,
  });
  // Registered last, so that stopping begins with taking nothing in.
  parts.defer(async () => {
    const cancel = systemClock.after(QUERY_GRACE_MS, () => query?.service.close());
    await listening.close(HTTP_GRACE_MS);
    cancel();
    query?.service.close();
  });
  listening.serve(app);
  // Only now, because it scrapes itself too.
  await collector?.scrape(loaded, listening.url);
  const owned = parts.move();
  return {
    url: listening.url,
    dataFolder: home?.dataFolder,
    notReady: () => readiness.reason,
    reload: () => reloader.reload(),
    describeMetrics: () => metrics.describe(),
    close: () => owned.disposeAsync(),
  };
}
