import type { TopicPartition } from '../../log.ts';
import { BrokerFault } from '../broker-fault.ts';
import type { KafkaClient, SendOptions, Verdict } from '../client.ts';
import { type CommitOwner, type GroupOffset, refusedOf } from '../protocol/group-offsets.ts';
import { initProducerIdRequest, type ProducerIdentity } from '../protocol/init-producer-id.ts';
import { produceRequest } from '../protocol/produce.ts';
import type { KafkaRequest } from '../protocol/request.ts';
import { addOffsetsToTxnRequest, addPartitionsToTxnRequest, endTxnRequest } from '../protocol/transactions.ts';
import { txnOffsetCommitRequest } from '../protocol/txn-offset-commit.ts';

// What a transaction asks of brokers, each question once: who asks decides what to do about faults (carry-out.ts).
// Names are the log's.

export interface TransactionOwner extends ProducerIdentity {
  readonly transactionalId: string;
}

export interface PartitionBatch extends TopicPartition {
  readonly bytes: Uint8Array;
}

export type BatchOutcome = { readonly baseOffset: number } | { readonly failure: unknown };

/** Every one of them throws `BrokerFault`, `BrokerUnreachable`, `LOG_PROTOCOL`, `LOG_CLOSED`. */
export interface TransactionWire {
  /** Fences whoever had the id, and aborts what it had open. */
  init(transactionalId: string, timeoutMs: number): Promise<ProducerIdentity>;
  addPartitions(owner: TransactionOwner, at: readonly TopicPartition[]): Promise<void>;
  /** One batch a partition; outcomes in their order. */
  produce(owner: TransactionOwner, batches: readonly PartitionBatch[]): Promise<readonly BatchOutcome[]>;
  addOffsets(owner: TransactionOwner, group: string): Promise<void>;
  commitOffsets(
    owner: TransactionOwner,
    group: string,
    offsets: readonly GroupOffset[],
    member: CommitOwner | undefined,
  ): Promise<void>;
  end(owner: TransactionOwner, outcome: 'commit' | 'abort'): Promise<void>;
}

// A broker answers one connection in order, and each of these answers waits for a disk or a replica.
const LANES = 4;
const NOT_ATTEMPTED = 55;

export class KafkaTransactionWire implements TransactionWire {
  readonly #client: KafkaClient;

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  async init(transactionalId: string, timeoutMs: number): Promise<ProducerIdentity> {
    const request = initProducerIdRequest(this.#client.names.toBroker(transactionalId), timeoutMs);
    return await this.#ask(transactionalId, request, ({ error }) => error);
  }

  async addPartitions(owner: TransactionOwner, at: readonly TopicPartition[]): Promise<void> {
    const request = addPartitionsToTxnRequest(this.#named(owner), this.#namedTopics(at));
    await this.#ask(owner.transactionalId, request, ({ results }) => {
      // One that was refused keeps the others from being tried: it says why.
      const refused = results.filter(({ error }) => error !== 0);
      return refused.find(({ error }) => error !== NOT_ATTEMPTED) ?? refused[0] ?? 0;
    });
  }

  async produce(owner: TransactionOwner, batches: readonly PartitionBatch[]): Promise<readonly BatchOutcome[]> {
    const outcomes: BatchOutcome[] = batches.map(() => ({ failure: undefined }));
    const byLeader = new Map<number, number[]>();
    await Promise.all(
      batches.map(async (batch, i) => {
        try {
          const { nodeId } = await this.#client.leaderOf(batch);
          (byLeader.get(nodeId) ?? byLeader.set(nodeId, []).get(nodeId))?.push(i);
        } catch (failure) {
          outcomes[i] = { failure };
        }
      }),
    );
    const requests = [...byLeader].flatMap(([leader, ofLeader]) =>
      this.#requestsOf(ofLeader, batches).map((some) => ({ leader, some })),
    );
    await Promise.all(requests.map(({ leader, some }) => this.#produceTo(leader, owner, batches, some, outcomes)));
    return outcomes;
  }

  async addOffsets(owner: TransactionOwner, group: string): Promise<void> {
    const request = addOffsetsToTxnRequest(this.#named(owner), this.#client.names.toBroker(group));
    await this.#ask(owner.transactionalId, request, ({ error }) => error);
  }

  async commitOffsets(
    owner: TransactionOwner,
    group: string,
    offsets: readonly GroupOffset[],
    member: CommitOwner | undefined,
  ): Promise<void> {
    const { names } = this.#client;
    const at = this.#namedTopics(offsets);
    const request = txnOffsetCommitRequest(this.#named(owner), names.toBroker(group), at, member);
    const lane = this.#laneOf(owner.transactionalId);
    await this.#client.sendToCoordinator('group', group, request, ({ results }) => refusedOf(results), lane);
  }

  async end(owner: TransactionOwner, outcome: 'commit' | 'abort'): Promise<void> {
    await this.#ask(owner.transactionalId, endTxnRequest(this.#named(owner), outcome), ({ error }) => error);
  }

  async #ask<T>(id: string, request: KafkaRequest<T>, verdictOf: (answer: T) => Verdict): Promise<T> {
    return await this.#client.sendToCoordinator('transaction', id, request, verdictOf, this.#laneOf(id));
  }

  /** Indexes of batches of one leader, as many in one request as requestBytesMax allows, one at least. */
  #requestsOf(indexes: readonly number[], batches: readonly PartitionBatch[]): number[][] {
    const requests: number[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const i of indexes) {
      const more = (batches[i] as PartitionBatch).bytes.length;
      if (bytes + more > this.#client.options.requestBytesMax) {
        requests.push([]);
        bytes = 0;
      }
      requests.at(-1)?.push(i);
      bytes += more;
    }
    return requests;
  }

  async #produceTo(
    leader: number,
    owner: TransactionOwner,
    batches: readonly PartitionBatch[],
    indexes: readonly number[],
    outcomes: BatchOutcome[],
  ): Promise<void> {
    const client = this.#client;
    const { names, options } = client;
    const sent = indexes.map((i) => {
      const { topic, partition, bytes } = batches[i] as PartitionBatch;
      return { topic: names.toBroker(topic), partition, batch: bytes };
    });
    for (const { batch } of sent) client.metrics.batchBytes.add(batch.length);
    try {
      const request = produceRequest(sent, options.requestMaxMs, names.toBroker(owner.transactionalId));
      const answer = await client.send(leader, request, {
        ...this.#laneOf(owner.transactionalId),
        timeoutMs: options.requestMaxMs * 2,
      });
      for (const [k, i] of indexes.entries()) {
        const { topic, partition } = sent[k] as (typeof sent)[number];
        const found = answer.batches.find((each) => each.topic === topic && each.partition === partition);
        const at = batches[i] as PartitionBatch;
        const fault = () => new BrokerFault(found?.error ?? -1, `append to ${at.topic}/${at.partition}`, faultAt(at));
        outcomes[i] = found?.error === 0 ? { baseOffset: found.baseOffset } : { failure: fault() };
      }
    } catch (failure) {
      for (const i of indexes) outcomes[i] = { failure };
    }
  }

  #named(owner: TransactionOwner): TransactionOwner {
    return { ...owner, transactionalId: this.#client.names.toBroker(owner.transactionalId) };
  }

  #namedTopics<T extends TopicPartition>(at: readonly T[]): T[] {
    return at.map((each) => ({ ...each, topic: this.#client.names.toBroker(each.topic) }));
  }

  #laneOf(transactionalId: string): SendOptions {
    let sum = 0;
    for (let i = 0; i < transactionalId.length; i++) sum += transactionalId.charCodeAt(i);
    return { lane: `transaction-${sum % LANES}` };
  }
}

function faultAt({ topic, partition }: TopicPartition) {
  return { request: 'Produce', topic, partition };
}
