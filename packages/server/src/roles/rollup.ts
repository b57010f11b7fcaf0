import { type Clock, type Disk, type Logger, type SelfMetrics, TaskGroup, TidemarkError } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { startRollup } from '@tidemark/stream-rollup';
import { checkShare, ordinalOf, ownedPartitions, type Share } from './ordinal.ts';

export interface RollupParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly partitions: number;
  readonly share: Share;
  readonly topicPrefix: string;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly onFailure: (what: string, error: unknown) => void;
}

const LOOK_MS = 5000;

/** The rollup tasks of its share. Throws `CONFIG_INVALID`. One that stopped for good stops the process: rows that silently stay away are worse than a restart. */
export async function runRollup({ onFailure, share, ...parts }: RollupParts): Promise<{ close(): Promise<void> }> {
  const { replicas } = share;
  const own = { ordinal: ordinalOf('rollup', share), replicas };
  checkShare('rollup', own, parts.partitions);
  const owned = ownedPartitions(own, parts.partitions);
  const rollup = await startRollup({ ...parts, owned, folder: 'rollup' });
  const watch = new TaskGroup(onFailure);
  watch.spawn('rollup', async (signal) => {
    while (rollup.state !== 'failed') await parts.clock.sleep(LOOK_MS, signal);
    const problems = [...rollup.problems].map(([task, problem]) => `task ${task}: ${problem}`);
    throw new TidemarkError('ROLLUP_FAILED', `the rollup stopped: ${problems.join('; ')}`);
  });
  return {
    async close() {
      await watch.close();
      await rollup.close();
    },
  };
}
