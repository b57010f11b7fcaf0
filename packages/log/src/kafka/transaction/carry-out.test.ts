import type { Random } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import type { TopicPartition } from '../../log.ts';
import { BrokerFault, BrokerUnreachable, kafkaError } from '../broker-fault.ts';
import type { CarryOutParts } from './carry-out.ts';
import { carryOut, NotCarriedOut } from './carry-out.ts';
import type { BatchOutcome, PartitionBatch, TransactionOwner, TransactionWire } from './transaction-wire.ts';

// Transactions on brokers that lose questions and answers, move their coordinators, are slow to write markers, and let others
// take an id over. Whatever happens, the outcome told is the outcome there is, and nothing is there twice.

interface Coordinator {
  epoch: number;
  state: 'empty' | 'ongoing' | 'committing' | 'aborting' | 'committed' | 'aborted';
  partitions: Set<number>;
  groups: Set<string>;
}

/** One transaction coordinator, one group, some partitions; as Kafka's, without time. */
class SimBrokers implements TransactionWire {
  readonly faults: Random;
  readonly faultChance: number;
  readonly coordinator: Coordinator = { epoch: 0, state: 'empty', partitions: new Set(), groups: new Set() };
  /** What committed readers see: values, in order, with their offsets. */
  readonly visible = new Map<number, { offset: number; value: string }[]>();
  position = -1;
  #ends = new Map<number, number>();
  #pending = new Map<number, { offset: number; value: string }[]>();
  #pendingPosition: number | undefined;
  /** Of the last batch of each partition, in this epoch: to know it when it comes again. */
  #last = new Map<number, { value: string; offset: number }>();
  takeOverChance = 0;

  constructor(faults: Random, faultChance: number) {
    this.faults = faults;
    this.faultChance = faultChance;
  }

  async init() {
    this.#abortNow();
    this.coordinator.epoch++;
    return { producerId: 1n, producerEpoch: this.coordinator.epoch };
  }

  addPartitions(owner: TransactionOwner, at: readonly TopicPartition[]): Promise<void> {
    return this.#asked(() => {
      this.#begin(owner);
      for (const { partition } of at) this.coordinator.partitions.add(partition);
    });
  }

  async produce(owner: TransactionOwner, batches: readonly PartitionBatch[]): Promise<readonly BatchOutcome[]> {
    return await Promise.all(
      batches.map(async ({ partition, bytes }) => {
        let baseOffset = -1;
        try {
          await this.#asked(() => {
            baseOffset = this.#append(owner, partition, Buffer.from(bytes).toString());
          });
          return { baseOffset };
        } catch (failure) {
          return { failure };
        }
      }),
    );
  }

  addOffsets(owner: TransactionOwner, group: string): Promise<void> {
    return this.#asked(() => {
      this.#begin(owner);
      this.coordinator.groups.add(group);
    });
  }

  commitOffsets(owner: TransactionOwner, group: string, offsets: readonly { offset: number }[]): Promise<void> {
    return this.#asked(() => {
      if (owner.producerEpoch !== this.coordinator.epoch) throw new BrokerFault(47, 'positions');
      expect(this.coordinator.groups).toContain(group);
      this.#pendingPosition = offsets[0]?.offset;
    });
  }

  end(owner: TransactionOwner, outcome: 'commit' | 'abort'): Promise<void> {
    return this.#asked(() => {
      const { coordinator } = this;
      if (owner.producerEpoch !== coordinator.epoch) throw new BrokerFault(90, 'end');
      const [ing, done] =
        outcome === 'commit' ? (['committing', 'committed'] as const) : (['aborting', 'aborted'] as const);
      if (coordinator.state === 'ongoing') coordinator.state = ing;
      else if (coordinator.state === ing) throw new BrokerFault(51, 'end');
      else if (coordinator.state !== done) throw new BrokerFault(48, 'end');
    });
  }

  /** Markers are written, by and by; another owner comes. */
  tick(): void {
    const { coordinator, faults } = this;
    if (faults.next() < 0.5) this.#writeMarkers();
    if (faults.next() < this.takeOverChance) {
      this.#writeMarkers();
      this.#abortNow();
      coordinator.epoch++;
    }
  }

  /** As long as it takes: nothing is left in between. */
  settle(): void {
    this.#writeMarkers();
    this.#abortNow();
  }

  /** The question is lost, or done and its answer lost, or the coordinator is elsewhere, having done it or not. */
  async #asked(work: () => void): Promise<void> {
    this.tick();
    const fault = this.faults.next() < this.faultChance ? Math.floor(this.faults.next() * 5) : 5;
    if (fault === 0) throw new BrokerUnreachable('sim', 'question lost', true);
    if (fault === 1) throw new BrokerFault(16, 'moved');
    if (fault === 2) throw new BrokerFault(14, 'loading');
    work();
    if (fault === 3) throw new BrokerUnreachable('sim', 'answer lost', true);
    if (fault === 4) throw new BrokerFault(15, 'done, and not acknowledged');
  }

  #begin(owner: TransactionOwner): void {
    const { coordinator } = this;
    if (owner.producerEpoch !== coordinator.epoch) throw new BrokerFault(90, 'add');
    if (coordinator.state === 'committing' || coordinator.state === 'aborting') throw new BrokerFault(51, 'add');
    coordinator.state = 'ongoing';
  }

  #append(owner: TransactionOwner, partition: number, value: string): number {
    if (owner.producerEpoch !== this.coordinator.epoch) throw new BrokerFault(47, 'append');
    if (!this.coordinator.partitions.has(partition)) throw new BrokerFault(48, 'append');
    const last = this.#last.get(partition);
    if (last?.value === value) return last.offset;
    const offset = this.#ends.get(partition) ?? 0;
    this.#ends.set(partition, offset + 1);
    this.#last.set(partition, { value, offset });
    this.#pending.set(partition, [...(this.#pending.get(partition) ?? []), { offset, value }]);
    return offset;
  }

  #writeMarkers(): void {
    const { coordinator } = this;
    if (coordinator.state === 'committing') {
      for (const [partition, records] of this.#pending) {
        this.visible.set(partition, [...(this.visible.get(partition) ?? []), ...records]);
      }
      this.position = this.#pendingPosition ?? this.position;
      this.#over('committed');
    } else if (coordinator.state === 'aborting') this.#over('aborted');
  }

  #abortNow(): void {
    if (this.coordinator.state === 'ongoing') this.#over('aborted');
  }

  #over(state: 'committed' | 'aborted'): void {
    for (const partition of this.coordinator.partitions) {
      this.#ends.set(partition, (this.#ends.get(partition) ?? 0) + 1);
    }
    Object.assign(this.coordinator, { state, partitions: new Set(), groups: new Set() });
    this.#pending.clear();
    this.#pendingPosition = undefined;
  }
}

const TRIES = 12;

/** As the client's, without pauses. */
function partsOf(wire: SimBrokers): CarryOutParts {
  return {
    wire,
    async retrying(doing, work) {
      for (let tries = 1; ; tries++) {
        try {
          return await work();
        } catch (error) {
          const helps =
            error instanceof BrokerUnreachable || (error instanceof BrokerFault && error.helps !== 'nothing');
          if (!helps || tries === TRIES) throw kafkaError(error, doing);
        }
      }
    },
  };
}

test.each([
  ['with few faults', 0.1, 0],
  ['with many', 0.6, 0],
  ['while others take the id over', 0.3, 0.02],
])('%s, the outcome told is the outcome there is', async (name, faultChance, takeOverChance) => {
  await withSeed(`carry-out ${name}`, async (random) => {
    const outcomes = new Map<string, number>();
    for (let round = 0; round < rounds(300); round++) {
      const brokers = new SimBrokers(random, faultChance);
      const owner = { ...(await brokers.init()), transactionalId: 't' };
      brokers.takeOverChance = takeOverChance;
      for (let i = 0; i < 5; i++) {
        const partitions = [0, 1].map((partition) => ({
          topic: 'a',
          partition,
          batches: [0, 1].map((k) => Buffer.from(`${i} ${partition} ${k}`)),
        }));
        const groups = [{ group: 'g', offsets: [{ topic: 'b', partition: 0, offset: i }], member: undefined }];
        const before = brokers.position;
        const told = await carryOut(partsOf(brokers), { owner, partitions, groups }).catch((error) => error);
        brokers.settle();
        const found = [0, 1].map((p) =>
          (brokers.visible.get(p) ?? []).filter(({ value }) => value.startsWith(`${i} `)),
        );
        const isThere = brokers.position === i;
        expect(found.map((each) => each.map(({ value }) => value))).toEqual(
          isThere ? [0, 1].map((p) => [`${i} ${p} 0`, `${i} ${p} 1`]) : [[], []],
        );
        if (!isThere) expect(brokers.position).toBe(before);
        const outcome = told instanceof NotCarriedOut ? told.outcome : 'committed';
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (outcome === 'committed') {
          expect(isThere).toBe(true);
          expect(told).toEqual(found.map((each) => each.map(({ offset }) => offset)));
          continue;
        }
        if (outcome !== 'unknown') expect(isThere).toBe(false);
        // Its producer is of no more use.
        break;
      }
    }
    expect(outcomes.get('committed') ?? 0).toBeGreaterThan(0);
    if (takeOverChance > 0) expect(outcomes.get('fenced') ?? 0).toBeGreaterThan(0);
  });
});
