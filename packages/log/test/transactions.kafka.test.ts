import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Kafka, sharedKafka, startProcess } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaTransactions } from '../src/kafka/transaction/kafka-transactions.ts';
import { KafkaTransactionWire } from '../src/kafka/transaction/transaction-wire.ts';
import { type KafkaParts, kafkaParts, type PartsOptions, RAW } from './kafka-parts.ts';

// Transactions on a real broker.

let kafka: Kafka;
beforeAll(async () => {
  kafka = await sharedKafka();
});
afterAll(() => kafka.stop());

interface World extends AsyncDisposable {
  readonly parts: KafkaParts;
  readonly transactions: KafkaTransactions;
}

async function world(options: Partial<PartsOptions> = {}): Promise<World> {
  const parts = kafkaParts({ brokers: kafka.bootstrap, namespace: `${randomUUID()}.`, ...options });
  await parts.topics.ensure([RAW]);
  const { client, topics, positions, groups } = parts;
  const transactions = new KafkaTransactions({
    client,
    topics,
    mustBeOpen: () => client.mustBeOpen(),
    check: (at) => positions.check(at),
    ownerOf: (group, at) => groups.ownerOf(group, at),
  });
  return {
    parts,
    transactions,
    async [Symbol.asyncDispose]() {
      await transactions.close();
      await parts[Symbol.asyncDispose]();
    },
  };
}

const ID = { transactionalId: 'task 0' };
const raw = (partition: number, text: string) => ({
  topic: RAW.name,
  partition,
  key: null,
  value: Buffer.from(text),
});
const at = (partition: number, offset: number) => ({ topic: RAW.name, partition, offset });
const ends = async ({ parts }: World) => (await parts.positions.bounds(RAW.name, 'committed')).map(({ end }) => end);

test('a commit is visible when it resolves, records and positions, time and again', async () => {
  await using one = await world();
  const producer = await one.transactions.open(ID);
  for (let i = 0; i < 20; i++) {
    const transaction = await producer.begin();
    await transaction.append([raw(0, 'a'), raw(1, 'b'), raw(0, 'c')]);
    await transaction.sendOffsets('g', [at(0, i)]);
    // Each transaction leaves its records and a marker.
    expect(await transaction.commit()).toEqual([i * 3, i * 2, i * 3 + 1]);
    expect(await ends(one)).toEqual([i * 3 + 3, i * 2 + 2, 0, 0, 0, 0]);
    expect(await one.parts.positions.committed('g', [at(0, 0)])).toEqual([at(0, i)]);
  }
});

test('a producer of the same id elsewhere fences the former one, whose epoch is lower', async () => {
  await using one = await world();
  await using two = await world({ namespace: one.parts.client.names.toBroker('') });
  const former = await one.transactions.open(ID);
  await (await former.begin()).commit();
  const owner = await two.transactions.open(ID);
  expect(owner.epoch).toBeGreaterThan(former.epoch);
  const late = await former.begin();
  await late.append([raw(0, 'never')]);
  await expect(late.commit()).rejects.toMatchObject({ code: 'LOG_FENCED', details: { reason: 'owner' } });
  await expect(former.begin()).rejects.toMatchObject({ code: 'LOG_FENCED' });
  const transaction = await owner.begin();
  await transaction.append([raw(0, 'a')]);
  await transaction.commit();
  expect((await ends(two))[0]).toBe(2);
});

test('what was left open at the broker is aborted by the next owner, and the former one cannot end it', async () => {
  await using one = await world();
  const wire = new KafkaTransactionWire(one.parts.client);
  const owner = { ...(await one.parts.client.retrying('init', () => wire.init(ID.transactionalId, 60_000))), ...ID };
  await wire.addPartitions(owner, [at(0, 0)]);
  await one.transactions.open(ID);
  await expect(wire.end(owner, 'commit')).rejects.toThrow(/INVALID_PRODUCER_EPOCH|PRODUCER_FENCED/);
  expect((await ends(one))[0]).toBe(1);
});

test('one left open for too long is aborted by the broker, and its owner is fenced', async () => {
  await using one = await world();
  const wire = new KafkaTransactionWire(one.parts.client);
  const owner = { ...(await one.parts.client.retrying('init', () => wire.init(ID.transactionalId, 1000))), ...ID };
  await wire.addPartitions(owner, [at(0, 0)]);
  await expect.poll(async () => (await ends(one))[0], { timeout: 30_000 }).toBe(1);
  await expect(wire.end(owner, 'commit')).rejects.toThrow(/INVALID_PRODUCER_EPOCH|PRODUCER_FENCED/);
});

test('an owner that is stopped in mid-transaction finds it aborted and itself fenced when it goes on', async () => {
  await using one = await world();
  await using owner = await startProcess({
    name: 'owner of a transaction',
    command: process.execPath,
    args: [
      '-C',
      'source',
      join(import.meta.dirname, 'transaction-process.ts'),
      kafka.bootstrap.join(),
      one.parts.client.names.toBroker(''),
      '1000',
    ],
    ready: async (each) => each.output.includes('open'),
  });
  owner.signal('SIGSTOP');
  await expect.poll(async () => (await ends(one))[0], { timeout: 30_000 }).toBe(1);
  owner.signal('SIGCONT');
  await expect.poll(() => owner.output, { timeout: 30_000 }).toMatch(/INVALID_PRODUCER_EPOCH|PRODUCER_FENCED/);
});

test('positions of a member are those of its generation', async () => {
  await using one = await world();
  const member = await one.parts.groups.join({ group: 'g', topics: [RAW.name] });
  await member.next();
  const producer = await one.transactions.open(ID);
  const transaction = await producer.begin();
  await transaction.sendOffsets('g', [at(0, 0)]);
  await transaction.commit();
  expect(await one.parts.positions.committed('g', [at(0, 0)])).toEqual([at(0, 0)]);
  const wire = new KafkaTransactionWire(one.parts.client);
  const owner = {
    ...(await one.parts.client.retrying('init', () => wire.init('other', 60_000))),
    transactionalId: 'other',
  };
  await wire.addOffsets(owner, 'g');
  const over = { generation: member.generation - 1, memberId: member.memberId };
  await expect(wire.commitOffsets(owner, 'g', [at(0, 0)], over)).rejects.toThrow('ILLEGAL_GENERATION');
  await wire.end(owner, 'abort');
});
