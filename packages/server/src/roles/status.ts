import type { Clock } from '@tidemark/base';
import type { ScrapeManager } from '@tidemark/collector';
import type { Log } from '@tidemark/log';
import { features } from '../api/features.ts';
import { metricMetadata } from '../api/metric-metadata.ts';
import { processStatus } from '../api/process-status.ts';
import { replayStatus } from '../api/replay-status.ts';
import type { Answers } from '../api/routes.ts';
import { storageStatus } from '../api/storage-status.ts';
import { targetAnswers } from '../api/targets.ts';
import { tsdbStatus } from '../api/tsdb-status.ts';
import { usageStatus } from '../api/usage-status.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Reads } from './reads.ts';
import type { StoreRole } from './store.ts';
import { mayAdmin } from './store-routes.ts';

export interface StatusParts {
  readonly reads: Reads | undefined;
  readonly store: StoreRole | undefined;
  readonly log: Log | undefined;
  /** Where our own notifier speaks Alertmanager's API; alerts go to none outside. */
  readonly notifierUrl: string | undefined;
  readonly scraper: () => ScrapeManager | undefined;
  readonly loaded: () => LoadedConfig;
  readonly lastReload: () => { readonly succeeded: boolean; readonly atMs: number };
  readonly clock: Clock;
}

/** What this process says of itself, by path below /api/v1; of storage only where it has or reads some. */
export function statusAnswers(parts: StatusParts): Answers {
  const { reads, store, log, notifierUrl, scraper, loaded, lastReload, clock } = parts;
  return {
    ...(reads && {
      '/status/tsdb': tsdbStatus(reads.cardinality),
      '/metadata': metricMetadata(reads.metadata),
    }),
    ...(store && { '/status/usage': usageStatus(store.engine) }),
    ...(store &&
      log && {
        '/status/storage': storageStatus({ ...store, log }),
        '/status/walreplay': replayStatus({ ...store, log }),
      }),
    '/features': () => features({ roles: new Set(loaded().config.roles), adminApi: mayAdmin(loaded().config) }),
    '/alertmanagers': () => ({
      activeAlertmanagers: notifierUrl === undefined ? [] : [{ url: `${notifierUrl}/api/v2/alerts` }],
      droppedAlertmanagers: [],
    }),
    ...targetAnswers(scraper),
    ...processStatus({ loaded, lastReload, corruptions: () => corruptionsOf(store), clock }),
  };
}

function corruptionsOf(store: StoreRole | undefined): number {
  return store?.engine.stats().shards.reduce((sum, { damagedWindows }) => sum + damagedWindows, 0) ?? 0;
}
