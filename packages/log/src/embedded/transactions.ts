import type { Clock } from '@tidemark/base';
import type { OutgoingRecord, Position } from '../log.ts';
import type { GroupPosition, TransactionHost, WholeTransaction } from '../producers.ts';
import type { Catalog } from './catalog.ts';
import { Kind } from './format.ts';
import type { GroupCommit } from './group-commit.ts';
import type { LogMetrics } from './metrics.ts';
import type { EmbeddedLogOptions } from './options.ts';
import type { PendingAppend } from './pending-append.ts';
import { PendingTransaction } from './pending-transaction.ts';
import { encodeProducer } from './transaction-body.ts';

// Transactions in the journal: a producer frame opens an epoch, a transaction frame is a whole transaction. Frames are on
// disk in the order of their submission, so whatever a former owner submitted stands before the new epoch.

export interface TransactionParts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly commits: GroupCommit;
  readonly metrics: LogMetrics;
  readonly options: EmbeddedLogOptions;
  readonly mustBeOpen: () => void;
  /** Checks records; returns what they weigh. */
  readonly weigh: (records: readonly OutgoingRecord[]) => number;
  /** Throws `LOG_POSITION_LOST`. */
  readonly checkPositions: (group: string, positions: readonly Position[]) => void;
  readonly append: (records: readonly OutgoingRecord[], bytes: number) => PendingAppend;
}

export class EmbeddedTransactions implements TransactionHost {
  readonly clock: Clock;
  readonly limits: EmbeddedLogOptions;
  readonly mustBeOpen: () => void;
  readonly weigh: (records: readonly OutgoingRecord[]) => number;
  readonly checkPositions: (group: string, positions: readonly Position[]) => void;
  readonly #parts: TransactionParts;

  constructor(parts: TransactionParts) {
    this.#parts = parts;
    this.clock = parts.clock;
    this.limits = parts.options;
    this.mustBeOpen = parts.mustBeOpen;
    this.weigh = parts.weigh;
    this.checkPositions = parts.checkPositions;
  }

  async nextEpoch(transactionalId: string): Promise<number> {
    const { catalog, commits } = this.#parts;
    let epoch = 0;
    await commits.write(Kind.producer, () => {
      // Not before its turn: a snapshot written meanwhile must not know it yet.
      epoch = catalog.nextEpoch();
      return encodeProducer({ transactionalId, epoch });
    });
    return epoch;
  }

  async write({ bytes, epoch, positions, records, transactionalId }: WholeTransaction): Promise<readonly number[]> {
    const { append: makeAppend, catalog, commits } = this.#parts;
    if (records.length === 0 && positions.length === 0) return [];
    const append = makeAppend(records, bytes);
    const changes = positions.map((position) => this.#changeOf(position));
    commits.submit(new PendingTransaction({ transactionalId, epoch, positions: changes }, append, catalog.positions));
    return append.offsets;
  }

  ended(outcome: string): void {
    this.#parts.metrics.transactions.with(outcome).add();
  }

  #changeOf(position: GroupPosition) {
    const { partition, topicId } = this.#parts.catalog.partition(position);
    return { kind: 'committed' as const, group: position.group, topicId, partition, offset: position.offset };
  }
}
