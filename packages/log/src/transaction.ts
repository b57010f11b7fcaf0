import type { OutgoingRecord, Position } from './log.ts';

// Transactions: records of several partitions and the positions of groups, visible and durable together or not at all.
//
//   openProducer(id)   epoch 1 ── begin ── append, sendOffsets ── commit ── begin ── append ── abort ── ...
//        |                                                          |
//        |                                                          └ LOG_OUTCOME_UNKNOWN: it is there or it is not
//   openProducer(id)   epoch 2: every call of epoch 1 ends with LOG_FENCED
//
// How a stream task goes on after a restart, on any log (one transactional id for each task):
//   1. openProducer: from its return on, no former owner adds anything
//   2. committed / the last record of its changelog: where the task stands; only now, because only now it stands still
//   3. seek there, begin, append results, sendOffsets, commit, again
//   LOG_OUTCOME_UNKNOWN or LOG_FENCED: close the producer and start at 1. LOG_OUTCOME_UNKNOWN is not a failure: reading
//   back (2) says whether the transaction is there. Any other error leaves nothing of the transaction.

export interface ProducerOptions {
  /** Whose transactions these are; 1 to 249 characters. */
  readonly transactionalId: string;
}

/**
 * One transaction at a time. Its calls throw `LOG_FENCED` (another took its id, or its transaction was left open for longer
 * than transactionMaxMs), `LOG_OUTCOME_UNKNOWN` (an earlier commit ended so), `LOG_CLOSED`.
 */
export interface TransactionalProducer {
  readonly transactionalId: string;
  /** Rises each time a producer of this id is opened, over restarts too. */
  readonly epoch: number;
  begin(): Promise<Transaction>;
  /** Aborts what is open, waits for a commit under way. Twice is fine. */
  close(): Promise<void>;
}

/** After `append` or `sendOffsets` rejected, only `abort` is left: `commit` aborts, too, and says `LOG_TRANSACTION_ABORTED`. */
export interface Transaction {
  /**
   * In this order within each partition. Nobody sees them before the commit.
   * Throws what `Log.append` throws; `LOG_TRANSACTION_TOO_LARGE` (more than transactionBytesMax in one),
   * `LOG_OVERLOADED` (all open transactions together hold more than openTransactionBytesMax).
   */
  append(records: readonly OutgoingRecord[]): Promise<void>;
  /** The positions of a group, committed with the records. Throws what `Log.commit` throws. */
  sendOffsets(group: string, positions: readonly Position[]): Promise<void>;
  /**
   * Everything is durable and visible when it resolves: to the offsets of all records, in the order of the appends.
   * Throws `LOG_OUTCOME_UNKNOWN` (see above; the producer is of no more use), `LOG_FULL` (nothing of it is there).
   */
  commit(): Promise<readonly number[]>;
  /** Nothing of it remains. After the end of the transaction it does nothing. */
  abort(): Promise<void>;
}
