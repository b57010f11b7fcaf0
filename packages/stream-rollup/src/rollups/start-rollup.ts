import type { Clock, Disk, Logger, SelfMetrics } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { GENERATIONS } from '@tidemark/model';
import type { StreamsOptions } from '../runtime/options.ts';
import { type Streams, startStreams } from '../runtime/streams.ts';
import { rollupMetrics } from './metrics.ts';
import type { RollupOptions } from './options.ts';
import { createRollupTopology } from './rollup-topology.ts';

// The processor asks for commits when it is a good moment; this is for windows that no other follows.
const COMMIT_AT_LEAST_MS = 10 * 60_000;
// 1 s: rows go out five seconds after their window's end at the earliest.
const LINGER_MS = 1_000;

export interface StartRollup {
  readonly log: Log;
  readonly clock: Clock;
  readonly disk: Disk;
  /** For state, relative to the disk's root. */
  readonly folder: string;
  /** Of `raw` and `1m`. */
  readonly partitions: number;
  /** Those rolled up here; all of them unless said otherwise. */
  readonly owned?: readonly number[];
  readonly group?: string;
  readonly topicPrefix?: string;
  readonly generation?: number;
  readonly logger: Logger;
  readonly metrics?: SelfMetrics;
  readonly options?: Partial<RollupOptions>;
  readonly streams?: Partial<StreamsOptions>;
}

/**
 * Runs the rollup: reads `raw`, writes `1m`. Requires: both topics exist.
 * Throws as `startStreams`. A record that cannot be decoded is skipped, counted and logged.
 */
export function startRollup(start: StartRollup): Promise<Streams> {
  const metrics = rollupMetrics(start.metrics);
  const topology = createRollupTopology({
    generation: start.generation ?? GENERATIONS.rollup,
    metrics,
    ...(start.options && { options: start.options }),
  });
  return startStreams({
    topology,
    log: start.log,
    group: start.group ?? 'rollup',
    partitions: start.partitions,
    ...(start.owned && { owned: start.owned }),
    disk: start.disk,
    folder: start.folder,
    clock: start.clock,
    logger: start.logger,
    metrics: metrics.streams,
    topicPrefix: start.topicPrefix ?? 'tidemark',
    options: { commitIntervalMs: COMMIT_AT_LEAST_MS, lingerMs: LINGER_MS, ...start.streams },
  });
}
