import type { TopicPartition } from '../log.ts';
import { mustSucceed } from './broker-fault.ts';
import type { KafkaClient } from './client.ts';
import { initProducerIdRequest, type ProducerIdentity } from './protocol/init-producer-id.ts';

// Under whose id batches are numbered, and what must be done before a partition gets its first.

export interface Numbering {
  /** At the broker; null outside of transactions. */
  readonly transactionalId: string | null;
  /** An identity whose producer id is not `spent`. */
  identity(spent: bigint | undefined): Promise<ProducerIdentity>;
  /** False: `prepare` comes first. A transaction's answers true once the partition was added to it. */
  isReady(at: TopicPartition): boolean;
  prepare(at: TopicPartition): Promise<void>;
}

/** One id for all partitions of a log, another when one of them has used it up or lost count. */
export class IdempotentNumbering implements Numbering {
  readonly transactionalId = null;
  readonly #client: KafkaClient;
  #current: Promise<ProducerIdentity> | undefined;

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  async identity(spent: bigint | undefined): Promise<ProducerIdentity> {
    for (;;) {
      const asked = this.#current ?? this.#ask();
      this.#current = asked;
      const identity = await asked;
      if (identity.producerId !== spent) return identity;
      if (this.#current === asked) this.#current = undefined;
    }
  }

  isReady(): boolean {
    return true;
  }

  async prepare(): Promise<void> {
    // Nothing to add a partition to.
  }

  #ask(): Promise<ProducerIdentity> {
    const client = this.#client;
    const asked = client.retrying('get a producer id', async () => {
      const answer = await client.sendToAny(initProducerIdRequest(null, client.options.operationMaxMs));
      mustSucceed(answer.error, 'get a producer id', { request: 'InitProducerId' });
      return answer;
    });
    asked.catch(() => {
      if (this.#current === asked) this.#current = undefined;
    });
    return asked;
  }
}
