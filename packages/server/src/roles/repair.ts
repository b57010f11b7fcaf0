import type { Clock, Disk, Logger } from '@tidemark/base';
import { MarksStore } from './repair/marks-store.ts';
import { Repairer, type RepairerOptions } from './repair/repairer.ts';
import { Trouble } from './trouble.ts';

export interface RepairParts {
  /** For the marks. */
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Repair {
  /** For the storer, which meets marks among rows. */
  readonly marks: MarksStore;
  start(options: Omit<RepairerOptions, 'marks' | 'clock' | 'logger'>): void;
  /** Makes anew whatever waits, due or not. */
  runAll(): Promise<void>;
  close(): Promise<void>;
}

/** Rows made from raw samples where the rollup's lack points. */
export async function openRepair({ disk, clock, logger: parent }: RepairParts): Promise<Repair> {
  const logger = parent.child('repair');
  const marks = await MarksStore.open(disk, clock, logger);
  const stopping = new AbortController();
  let repairer: Repairer | undefined;
  return {
    marks,
    start(options) {
      repairer = new Repairer({ ...options, marks: marks.marks, clock, logger });
      repairer.start(new Trouble(clock, logger, 'make rows from raw samples'));
    },
    async runAll() {
      await repairer?.run(Number.POSITIVE_INFINITY, stopping.signal);
    },
    async close() {
      stopping.abort();
      await repairer?.close();
    },
  };
}
