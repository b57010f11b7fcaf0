import { availableParallelism, hostname } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '@tidemark/base';
import { formatDuration } from '@tidemark/model';
import type { LoadedConfig } from '../config/load.ts';
import { configYaml, flags } from '../config/show.ts';
import type { Answers } from './routes.ts';

// GET /api/v1/status/{config,flags,runtimeinfo}: what this process is and was told, in Prometheus' shapes.

export interface ProcessStatusParts {
  /** The configuration in force now. */
  readonly loaded: () => LoadedConfig;
  readonly lastReload: () => { readonly succeeded: boolean; readonly atMs: number };
  /** Damaged parts of storage found since the start. */
  readonly corruptions: () => number;
  readonly clock: Clock;
}

export function processStatus({ loaded, lastReload, corruptions, clock }: ProcessStatusParts): Answers {
  const startTime = new Date(clock.nowMs()).toISOString();
  return {
    '/status/config': () => ({ yaml: configYaml(loaded()) }),
    '/status/flags': () => flags(loaded()),
    '/status/runtimeinfo': () => {
      const { succeeded, atMs } = lastReload();
      return {
        startTime,
        CWD: process.cwd(),
        hostname: hostname(),
        serverTime: new Date(clock.nowMs()).toISOString(),
        reloadConfigSuccess: succeeded,
        lastConfigTime: new Date(atMs).toISOString(),
        corruptionCount: corruptions(),
        // Go's words for what comes nearest here: things under way, cores that may be used, the heap's limit.
        goroutineCount: process.getActiveResourcesInfo().length,
        GOMAXPROCS: availableParallelism(),
        GOMEMLIMIT: getHeapStatistics().heap_size_limit,
        GOGC: '',
        GODEBUG: process.env['NODE_OPTIONS'] ?? '',
        storageRetention: formatDuration(loaded().config.store.retentionRaw),
      };
    },
  };
}
