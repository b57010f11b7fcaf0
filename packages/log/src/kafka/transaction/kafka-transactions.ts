import { assert, type Clock } from '@tidemark/base';
import { checkName, partitionUnknown, producerFenced, topicUnknown } from '../../errors.ts';
import type { OutgoingRecord, Position, ProducerOptions, TopicPartition, TransactionalProducer } from '../../log.ts';
import { Producers, type TransactionHost, type WholeTransaction } from '../../producers.ts';
import { checkRecord } from '../../record.ts';
import type { KafkaClient } from '../client.ts';
import type { KafkaLogOptions } from '../options.ts';
import type { CommitOwner } from '../protocol/group-offsets.ts';
import type { ProducerIdentity } from '../protocol/init-producer-id.ts';
import type { KafkaTopics } from '../topics.ts';
import { carryOut, NotCarriedOut } from './carry-out.ts';
import { batchesOf, type NumberedBatches, type Sequences } from './partition-batches.ts';
import { KafkaTransactionWire } from './transaction-wire.ts';

// Transactions of a log that is Kafka.
//
//   openProducer   InitProducerId: raises the epoch, and with it fences and aborts whoever had the id, anywhere
//   begin, append, sendOffsets    in memory, as with every log of ours: nothing is asked of a broker but what topics there are
//   commit         the whole of it, in one go (carry-out.ts)
//   abort          nothing was sent
//
// So at the brokers a transaction is open for as long as it takes to send, and readers of committed records do not wait for
// one that is being thought about. The price: it must fit into memory, which transactionBytesMax says.

export interface TransactionsParts {
  readonly client: KafkaClient;
  readonly topics: KafkaTopics;
  /** Throws `LOG_CLOSED`. */
  mustBeOpen(): void;
  /** Throws `LOG_POSITION_LOST` beyond the end. */
  check(positions: readonly Position[]): Promise<void>;
  /** The member here that these partitions belong to. Throws `LOG_FENCED` where that is another. */
  ownerOf(group: string, partitions: readonly TopicPartition[]): CommitOwner | undefined;
}

/** What an opened producer is to brokers. */
interface Owner {
  readonly epoch: number;
  readonly identity: ProducerIdentity;
  readonly sequences: Sequences;
}

// Producer epochs at brokers are 15 bits; then there is a new producer id, a higher one.
const EPOCHS = 2 ** 15;

export class KafkaTransactions implements TransactionHost {
  readonly clock: Clock;
  readonly limits: KafkaLogOptions;
  readonly #parts: TransactionsParts;
  readonly #wire: KafkaTransactionWire;
  readonly #producers: Producers;
  readonly #owners = new Map<string, Owner>();
  /** The last opening of each id: one after the other, so that the last to ask here is the last at the broker. */
  readonly #opening = new Map<string, Promise<unknown>>();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(parts: TransactionsParts) {
    this.#parts = parts;
    this.clock = parts.client.clock;
    this.limits = parts.client.options;
    this.#wire = new KafkaTransactionWire(parts.client);
    this.#producers = new Producers(this);
  }

  open(options: ProducerOptions): Promise<TransactionalProducer> {
    return this.#producers.open(options);
  }

  /** Aborts what is open; commits under way go on to their end. */
  async close(): Promise<void> {
    this.#producers.abortAll();
    await Promise.allSettled(this.#underWay);
  }

  mustBeOpen(): void {
    this.#parts.mustBeOpen();
  }

  learn(records: readonly OutgoingRecord[]): Promise<void> | undefined {
    const { topics } = this.#parts;
    const unknown = new Set(records.map(({ topic }) => topic).filter((topic) => topics.known(topic) === undefined));
    if (unknown.size === 0) return undefined;
    return Promise.all([...unknown].map((topic) => topics.spec(topic))).then(() => undefined);
  }

  weigh(records: readonly OutgoingRecord[]): number {
    let bytes = 0;
    for (const record of records) {
      const spec = this.#parts.topics.known(record.topic);
      if (!spec) throw topicUnknown(record.topic);
      const { partition } = record;
      if (!Number.isInteger(partition) || partition < 0 || partition >= spec.partitions) {
        throw partitionUnknown({ topic: record.topic, partition }, spec.partitions);
      }
      bytes += checkRecord(record, spec, this.limits.recordBytesMax);
    }
    return bytes;
  }

  async checkPositions(group: string, positions: readonly Position[]): Promise<void> {
    checkName('group', group);
    await this.#parts.check(positions);
  }

  async nextEpoch(transactionalId: string): Promise<number> {
    const before = this.#opening.get(transactionalId);
    const opening = (before ?? Promise.resolve()).catch(() => undefined).then(() => this.#init(transactionalId));
    this.#opening.set(transactionalId, opening);
    try {
      return await opening;
    } finally {
      if (this.#opening.get(transactionalId) === opening) this.#opening.delete(transactionalId);
    }
  }

  async write(whole: WholeTransaction): Promise<readonly number[]> {
    if (whole.records.length === 0 && whole.positions.length === 0) return [];
    const writing = this.#write(whole);
    this.#underWay.add(writing);
    try {
      return await writing;
    } finally {
      this.#underWay.delete(writing);
    }
  }

  released(transactionalId: string): void {
    this.#owners.delete(transactionalId);
  }

  ended(outcome: string): void {
    this.#parts.client.metrics.transactions.with(outcome).add();
  }

  async #init(transactionalId: string): Promise<number> {
    const { client } = this.#parts;
    const { transactionMaxMs } = this.limits;
    const { producerId, producerEpoch } = await client.retrying(`open producer ${transactionalId}`, () =>
      this.#wire.init(transactionalId, transactionMaxMs),
    );
    const epoch = Number(producerId) * EPOCHS + producerEpoch + 1;
    assert(Number.isSafeInteger(epoch), 'producer ids are given out from 0 on');
    this.#owners.set(transactionalId, { epoch, identity: { producerId, producerEpoch }, sequences: new Map() });
    return epoch;
  }

  async #write({ transactionalId, epoch, records, positions }: WholeTransaction): Promise<readonly number[]> {
    const { client, ownerOf } = this.#parts;
    const owner = this.#owners.get(transactionalId);
    if (owner?.epoch !== epoch) throw producerFenced(transactionalId, epoch, 'owner');
    const beganMs = client.clock.monotonicMs();
    const { identity, sequences } = owner;
    const partitions = batchesOf(records, identity, sequences, client.clock.nowMs(), this.limits);
    const groups = [...Map.groupBy(positions, ({ group }) => group)].map(([group, offsets]) => ({
      group,
      offsets: offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
      member: ownerOf(group, offsets),
    }));
    try {
      const parts = { wire: this.#wire, retrying: client.retrying.bind(client) };
      const baseOffsets = await carryOut(parts, { owner: { ...identity, transactionalId }, partitions, groups });
      const tookMs = client.clock.monotonicMs() - beganMs;
      client.metrics.commitSeconds.observe(tookMs / 1000);
      return offsetsOf(records.length, partitions, baseOffsets);
    } catch (error) {
      if (!(error instanceof NotCarriedOut)) throw error;
      if (error.outcome !== 'fenced') throw error.cause;
      const isLate = client.clock.monotonicMs() - beganMs > this.limits.transactionMaxMs;
      throw producerFenced(transactionalId, epoch, isLate ? 'expired' : 'owner');
    }
  }
}

/** Of the records, in their order. */
function offsetsOf(
  count: number,
  partitions: readonly NumberedBatches[],
  baseOffsets: readonly (readonly number[])[],
): readonly number[] {
  const offsets = new Array<number>(count);
  for (const [p, { indexes }] of partitions.entries()) {
    for (const [b, ofBatch] of indexes.entries()) {
      const base = baseOffsets[p]?.[b] as number;
      for (const [k, i] of ofBatch.entries()) offsets[i] = base + k;
    }
  }
  return offsets;
}
