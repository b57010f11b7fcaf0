import { closed } from '../errors.ts';
import type { TopicPartition } from '../log.ts';
import { BrokerFault, BrokerUnreachable, isFault, kafkaError } from './broker-fault.ts';
import type { KafkaClient } from './client.ts';
import type { Numbering } from './numbering.ts';
import { PartitionQueue, type Piece } from './partition-queue.ts';
import { type ProduceBatch, produceRequest } from './protocol/produce.ts';

// Sends what waits in the queues of partitions to their leaders.
//
//   queue 0 ─┐                          ┌ acknowledged, each batch by itself
//   queue 3 ─┴─ one request to leader 1 ┤ refused: that batch again, when it helps; the others are done with
//   queue 1 ─── one request to leader 2 └ no answer: all of them again, numbered as they were, so that none is there twice
//
// A request never spans leaders, so what one leader says decides nothing about another's batches.

interface Under {
  readonly queue: PartitionQueue;
  readonly batch: ProduceBatch;
}

// The broker does not know the numbers that came before: of a batch that was never sent before, it took nothing.
const NUMBERED_WRONGLY = ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH'];
// Refusals after which the batch may be in the leader's log all the same.
const MAYBE_TAKEN = ['REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'];
const RENUMBER_TRIES = 5;

export class Sender {
  readonly #client: KafkaClient;
  readonly #numbering: Numbering;
  readonly #queues = new Map<string, PartitionQueue>();
  #isScheduled = false;

  constructor(client: KafkaClient, numbering: Numbering) {
    this.#client = client;
    this.#numbering = numbering;
  }

  queueOf(at: TopicPartition): PartitionQueue {
    const key = `${at.topic}/${at.partition}`;
    const known = this.#queues.get(key);
    if (known) return known;
    const isTransactional = this.#numbering.transactionalId !== null;
    const own = { topic: at.topic, partition: at.partition };
    const queue = new PartitionQueue(own, this.#client.options, isTransactional);
    this.#queues.set(key, queue);
    return queue;
  }

  push(at: TopicPartition, piece: Piece): void {
    this.queueOf(at).push(piece);
    this.#schedule();
  }

  /** What is pushed in one turn goes in one request. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    const byLeader = new Map<number, PartitionQueue[]>();
    for (const queue of this.#queues.values()) {
      if (queue.isEmpty || queue.isBusy) continue;
      queue.isBusy = true;
      const leader = this.#client.knownLeaderOf(queue.at);
      if (leader === undefined) this.#failed(queue, new BrokerFault(5, 'append', queue.at));
      else if (queue.needsIdentity || !this.#numbering.isReady(queue.at)) void this.#prepare(queue);
      else {
        const ofLeader = byLeader.get(leader) ?? [];
        ofLeader.push(queue);
        byLeader.set(leader, ofLeader);
      }
    }
    for (const [leader, queues] of byLeader) this.#sendTo(leader, queues);
  }

  async #prepare(queue: PartitionQueue): Promise<void> {
    try {
      if (queue.needsIdentity) queue.identify(await this.#numbering.identity(queue.spent));
      if (!this.#numbering.isReady(queue.at)) await this.#numbering.prepare(queue.at);
      this.#free(queue);
    } catch (error) {
      this.#failed(queue, error);
    }
  }

  #sendTo(leader: number, queues: readonly PartitionQueue[]): void {
    const { clock, names, options } = this.#client;
    let request: Under[] = [];
    let bytes = 0;
    for (const queue of queues) {
      const taken = queue.take(clock.nowMs());
      if (!taken) continue;
      if (request.length > 0 && bytes + taken.bytes.length > options.requestBytesMax) {
        void this.#exchange(leader, request);
        request = [];
        bytes = 0;
      }
      bytes += taken.bytes.length;
      const { topic, partition } = queue.at;
      request.push({ queue, batch: { topic: names.toBroker(topic), partition, batch: taken.bytes } });
    }
    if (request.length > 0) void this.#exchange(leader, request);
  }

  async #exchange(leader: number, under: readonly Under[]): Promise<void> {
    const client = this.#client;
    const { requestMaxMs } = client.options;
    const batches = under.map(({ batch }) => batch);
    for (const { batch } of batches) client.metrics.batchBytes.add(batch.length);
    try {
      const request = produceRequest(batches, requestMaxMs, this.#numbering.transactionalId);
      const answer = await client.send(leader, request, { lane: 'produce', timeoutMs: 2 * requestMaxMs });
      for (const { queue, batch } of under) {
        const found = answer.batches.find((b) => b.topic === batch.topic && b.partition === batch.partition);
        if (found?.error !== 0) this.#failed(queue, new BrokerFault(found?.error ?? -1, 'append', faultAt(queue.at)));
        else {
          queue.acknowledged(found.baseOffset);
          this.#free(queue);
        }
      }
    } catch (error) {
      for (const { queue } of under) this.#failed(queue, error);
    }
  }

  #free(queue: PartitionQueue): void {
    queue.isBusy = false;
    this.#schedule();
  }

  /** After a fault: again when something helps and there is time, else its appends are told. */
  #failed(queue: PartitionQueue, error: unknown): void {
    const client = this.#client;
    const helps = client.noteFault(error);
    const batch = queue.underWay;
    queue.tries++;
    if (batch && !batch.mayBeThere && queue.tries <= RENUMBER_TRIES && this.#mayRenumber(error)) {
      queue.renumber();
      this.#free(queue);
      return;
    }
    if (batch && isInDoubt(error)) batch.mayBeThere = true;
    const nowMs = client.clock.monotonicMs();
    const told = kafkaError(error, `append to ${queue.at.topic}/${queue.at.partition}`);
    const isHopeless = helps === 'nothing' || !client.isOpen;
    if (batch && (isHopeless || nowMs > batch.endMs)) queue.gaveUp(told);
    else if (!batch) queue.failWaiting(told, isHopeless ? undefined : nowMs);
    if (isHopeless || queue.isEmpty) this.#free(queue);
    else void this.#again(queue, helps === 'leaders');
  }

  #mayRenumber(error: unknown): boolean {
    return this.#numbering.transactionalId === null && isFault(error, ...NUMBERED_WRONGLY);
  }

  async #again(queue: PartitionQueue, refresh: boolean): Promise<void> {
    const client = this.#client;
    try {
      await client.backOff(queue.tries - 1);
      client.mustBeOpen();
      if (refresh) await client.refreshQuietly();
      // One that was deleted is not refreshed: this finds it again, or says that it is gone.
      await client.topic(queue.at.topic);
    } catch (error) {
      const told = client.isOpen ? error : closed('log');
      if (queue.underWay) queue.gaveUp(told);
      queue.failWaiting(told);
    }
    this.#free(queue);
  }
}

function faultAt({ topic, partition }: TopicPartition) {
  return { request: 'Produce', topic, partition };
}

function isInDoubt(error: unknown): boolean {
  return error instanceof BrokerUnreachable ? error.mayBeDone : isFault(error, ...MAYBE_TAKEN);
}
