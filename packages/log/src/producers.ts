import { assert, type Clock, isTidemarkError } from '@tidemark/base';
import {
  checkName,
  closed,
  outcomeUnknown,
  overloaded,
  producerFenced,
  tooManyProducers,
  transactionAborted,
  transactionTooLarge,
} from './errors.ts';
import type { OutgoingRecord, Position } from './log.ts';
import type { ProducerOptions, Transaction, TransactionalProducer } from './transaction.ts';

// Transactions that are kept in memory until their commit, and then written as one.
//
//   ready ── begin ──▶ open ── commit ──▶ committing ──▶ ready
//     ▲                 │                      └──────▶ unknown      commit failed, and may be there
//     └──── abort ──────┤
//                       └ open for transactionMaxMs ──▶ fenced       as is whoever's id is opened again, at any time
//
// A commit that was handed to the log before its producer was fenced is carried out, where the log orders it before the new
// owner's epoch, so that the new owner finds it; or it ends with LOG_FENCED.

export interface TransactionLimits {
  readonly producersMax: number;
  readonly transactionBytesMax: number;
  readonly openTransactionBytesMax: number;
  readonly transactionMaxMs: number;
}

export interface WholeTransaction {
  readonly transactionalId: string;
  readonly epoch: number;
  readonly records: readonly OutgoingRecord[];
  readonly positions: readonly GroupPosition[];
  readonly bytes: number;
}

export interface GroupPosition extends Position {
  readonly group: string;
}

/** What a log does for its producers. */
export interface TransactionHost {
  readonly clock: Clock;
  readonly limits: TransactionLimits;
  /** Throws `LOG_CLOSED`. */
  mustBeOpen(): void;
  /** What `weigh` must know of these first; undefined: it knows. */
  learn?(records: readonly OutgoingRecord[]): Promise<void> | undefined;
  /** Checks records; returns what they weigh. Throws what `Log.append` throws. */
  weigh(records: readonly OutgoingRecord[]): number;
  /** Throws what `Log.commit` throws. */
  checkPositions(group: string, positions: readonly Position[]): void | Promise<void>;
  /** The next epoch; durable when it resolves, and behind all writes asked for before. */
  nextEpoch(transactionalId: string): Promise<number>;
  /** Makes all of it durable and visible at once. */
  write(transaction: WholeTransaction): Promise<readonly number[]>;
  /** Nobody here has the id any more. */
  released?(transactionalId: string): void;
  /** For the log's own figures. */
  ended(outcome: 'committed' | 'aborted' | 'unknown' | 'fenced'): void;
}

export class Producers {
  readonly #host: TransactionHost;
  readonly #owners = new Map<string, Producer>();
  readonly budget: { bytes: number } = { bytes: 0 };

  constructor(host: TransactionHost) {
    this.#host = host;
  }

  async open({ transactionalId }: ProducerOptions): Promise<TransactionalProducer> {
    this.#host.mustBeOpen();
    checkName('transactionalId', transactionalId);
    const former = this.#owners.get(transactionalId);
    const { producersMax } = this.#host.limits;
    if (!former && this.#owners.size >= producersMax) throw tooManyProducers(transactionalId, producersMax);
    const producer: Producer = new Producer(this.#host, transactionalId, this.budget, () => {
      if (this.#owners.get(transactionalId) !== producer) return;
      this.#owners.delete(transactionalId);
      this.#host.released?.(transactionalId);
    });
    // From here on: whatever the former asks for now would come behind the new epoch.
    former?.fence('owner');
    this.#owners.set(transactionalId, producer);
    try {
      await producer.take();
    } catch (error) {
      await producer.close();
      throw error;
    }
    return producer;
  }

  /** The log closes: what is open is aborted. Commits under way are the log's to finish. */
  abortAll(): void {
    for (const producer of this.#owners.values()) producer.abandon();
    this.#owners.clear();
  }
}

type State = 'opening' | 'ready' | 'open' | 'committing' | 'unknown' | 'fenced' | 'closed';

class Producer implements TransactionalProducer {
  readonly transactionalId: string;
  readonly host: TransactionHost;
  readonly budget: { bytes: number };
  epoch = 0;
  readonly #onClose: () => void;
  #state: State = 'opening';
  #fencedBy: 'owner' | 'expired' = 'owner';
  #unknown: unknown;
  #transaction: MemoryTransaction | undefined;
  #cancelExpiry: (() => void) | undefined;
  #committing: Promise<unknown> | undefined;

  constructor(host: TransactionHost, transactionalId: string, budget: { bytes: number }, onClose: () => void) {
    this.host = host;
    this.transactionalId = transactionalId;
    this.budget = budget;
    this.#onClose = onClose;
  }

  async take(): Promise<void> {
    this.epoch = await this.host.nextEpoch(this.transactionalId);
    this.mustBeAlive();
    this.#state = 'ready';
  }

  async begin(): Promise<Transaction> {
    this.mustBeAlive();
    assert(this.#state === 'ready', 'a producer has one transaction at a time');
    this.#state = 'open';
    this.#transaction = new MemoryTransaction(this);
    this.#cancelExpiry = this.host.clock.after(this.host.limits.transactionMaxMs, () => this.fence('expired'));
    return this.#transaction;
  }

  async close(): Promise<void> {
    this.#onClose();
    await this.#committing?.catch(() => undefined);
    if (this.#state === 'open') this.over('aborted');
    if (this.#state !== 'fenced' && this.#state !== 'unknown') this.#state = 'closed';
  }

  /** No call of this producer has an effect any more. A commit under way is too late to stop. */
  fence(by: 'owner' | 'expired'): void {
    if (this.#state === 'closed' || this.#state === 'fenced') return;
    if (this.#state === 'open') this.over('fenced');
    this.#state = 'fenced';
    this.#fencedBy = by;
  }

  abandon(): void {
    if (this.#state === 'open') this.over('aborted');
  }

  /** Throws `LOG_CLOSED`, `LOG_FENCED`, `LOG_OUTCOME_UNKNOWN`. */
  mustBeAlive(): void {
    this.host.mustBeOpen();
    if (this.#state === 'closed') throw closed('producer');
    if (this.#state === 'fenced') throw producerFenced(this.transactionalId, this.epoch, this.#fencedBy);
    if (this.#state === 'unknown') throw outcomeUnknown(this.transactionalId, this.epoch, this.#unknown);
  }

  async commit(whole: WholeTransaction): Promise<readonly number[]> {
    this.#state = 'committing';
    this.#cancelExpiry?.();
    const writing = this.host.write(whole);
    this.#committing = writing;
    try {
      const offsets = await writing;
      this.over('committed');
      return offsets;
    } catch (error) {
      // A log that is full or busy says for certain that it took nothing.
      if (isTidemarkError(error, 'LOG_FULL') || isTidemarkError(error, 'LOG_OVERLOADED')) {
        this.over('aborted');
        throw error;
      }
      if (isTidemarkError(error, 'LOG_FENCED')) {
        this.over('fenced');
        this.fence('owner');
        throw error;
      }
      this.over('unknown');
      this.#doubt(error);
      throw outcomeUnknown(this.transactionalId, this.epoch, error);
    }
  }

  /** Whoever took the id over meanwhile finds out what became of the commit; else this producer says that it does not know. */
  #doubt(error: unknown): void {
    if (this.#state === 'fenced') return;
    this.#state = 'unknown';
    this.#unknown = error;
  }

  /** The transaction has ended; it holds nothing any more. */
  over(outcome: 'committed' | 'aborted' | 'unknown' | 'fenced'): void {
    this.#cancelExpiry?.();
    this.#transaction?.drop();
    this.#transaction = undefined;
    if (this.#state === 'open' || this.#state === 'committing') this.#state = 'ready';
    this.host.ended(outcome);
  }
}

class MemoryTransaction implements Transaction {
  readonly #producer: Producer;
  #records: OutgoingRecord[] = [];
  #positions: GroupPosition[] = [];
  #bytes = 0;
  /** Of calls that had to ask something first: those behind them wait, so that all keep their order. */
  #before: Promise<unknown> | undefined;
  /** Why it can only be aborted. */
  #failure: { readonly error: unknown } | undefined;
  #isOver = false;

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  async append(records: readonly OutgoingRecord[]): Promise<void> {
    this.#mustBeOpen();
    const { budget, host } = this.#producer;
    await this.#inTurn(host.learn?.(records), () => {
      const bytes = host.weigh(records);
      const { transactionBytesMax, openTransactionBytesMax } = host.limits;
      if (this.#bytes + bytes > transactionBytesMax)
        throw transactionTooLarge(this.#bytes + bytes, transactionBytesMax);
      if (budget.bytes + bytes > openTransactionBytesMax) {
        throw overloaded(budget.bytes + bytes, openTransactionBytesMax, 'openTransactionBytesMax');
      }
      budget.bytes += bytes;
      this.#bytes += bytes;
      for (const record of records) this.#records.push(record);
    });
  }

  async sendOffsets(group: string, positions: readonly Position[]): Promise<void> {
    this.#mustBeOpen();
    await this.#inTurn(this.#checked(group, positions), () => {
      // The last of each partition counts: a transaction is no larger for saying one often.
      const said = new Set(positions.map(({ topic, partition }) => `${topic}/${partition}`));
      this.#positions = this.#positions.filter((p) => p.group !== group || !said.has(`${p.topic}/${p.partition}`));
      for (const { topic, partition, offset } of positions) this.#positions.push({ group, topic, partition, offset });
    });
  }

  async commit(): Promise<readonly number[]> {
    this.#mustBeOpen();
    if (this.#before) await this.#before;
    this.#mustBeOpen();
    const { epoch, transactionalId } = this.#producer;
    if (this.#failure) {
      const { error } = this.#failure;
      this.#producer.over('aborted');
      throw transactionAborted(transactionalId, error);
    }
    this.#isOver = true;
    return this.#producer.commit({
      transactionalId,
      epoch,
      records: this.#records,
      positions: this.#positions,
      bytes: this.#bytes,
    });
  }

  async abort(): Promise<void> {
    if (this.#isOver) return;
    this.#mustBeOpen();
    this.#producer.over('aborted');
  }

  drop(): void {
    this.#isOver = true;
    this.#producer.budget.bytes -= this.#bytes;
    this.#bytes = 0;
    this.#records = [];
    this.#positions = [];
  }

  #mustBeOpen(): void {
    this.#producer.mustBeAlive();
    assert(!this.#isOver, 'the transaction is over');
  }

  #checked(group: string, positions: readonly Position[]): void | Promise<void> {
    try {
      return this.#producer.host.checkPositions(group, positions);
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }

  /** At once, where nothing must be asked first and nothing waits. */
  #inTurn(asked: void | Promise<void>, work: () => void): void | Promise<void> {
    if (asked === undefined && this.#before === undefined) return this.#orFail(work);
    const turn = Promise.all([asked, this.#before]).then(
      () => {
        this.#mustBeOpen();
        this.#orFail(work);
      },
      (error) => {
        this.#failure ??= { error };
        throw error;
      },
    );
    const before = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#before === before) this.#before = undefined;
      });
    this.#before = before;
    return turn;
  }

  #orFail(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }
}
