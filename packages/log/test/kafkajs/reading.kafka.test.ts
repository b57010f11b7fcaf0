import { type Kafka as Broker, sharedKafka } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GroupMember } from '../../src/log.ts';
import {
  type Admin,
  bareKafka,
  CompressionTypes,
  type Consumer,
  changingSockets,
  consume,
  type Producer,
} from './bare.ts';
import { at, fetchSome, ours, readerOf, TASKS, task, valuesOf } from './worlds.ts';

// Reading: what kafkajs hands out by itself, and what the log does with the same bytes.

let broker: Broker;
let admin: Admin;
let producer: Producer;
beforeAll(async () => {
  broker = await sharedKafka();
  admin = bareKafka(broker.bootstrap).admin();
  producer = bareKafka(broker.bootstrap).producer();
  await Promise.all([admin.connect(), producer.connect()]);
});
afterAll(async () => {
  await Promise.all([admin.disconnect(), producer.disconnect()]);
  await broker.stop();
});

const corrupt = (reason: string) => ({ code: 'LOG_CORRUPT', details: expect.objectContaining({ reason }) });

/** An A on its way from the broker becomes a C. */
const FLIPPING = changingSockets((incoming) => {
  const found = incoming.indexOf('value A');
  if (found >= 0) incoming[found + 6] = 0x43;
  return incoming;
});

test('a flipped bit: kafkajs hands out the wrong value, the log refuses the batch', async () => {
  await using one = await ours(broker.bootstrap, { socketFactory: FLIPPING });
  await producer.send({ topic: one.topic, messages: [{ value: 'value A', partition: 0 }] });
  const bare = bareKafka(broker.bootstrap, { socketFactory: FLIPPING as never });
  const seen = await consume(bare, one.topic, ({ length }) => length === 1);
  expect(seen.map(({ value }) => value)).toEqual(['value C']);
  await expect(fetchSome(await readerOf(one.log, 0))).rejects.toMatchObject(corrupt('checksum'));
});

test('a gzip bomb: kafkajs makes it whole, the log stops at its cap', async () => {
  await using one = await ours(broker.bootstrap, { decompressedBytesMax: 1_000_000 });
  const value = Buffer.alloc(30_000_000);
  await producer.send({ topic: one.topic, compression: CompressionTypes.GZIP, messages: [{ value, partition: 0 }] });
  const [seen] = await consume(bareKafka(broker.bootstrap), one.topic, ({ length }) => length === 1);
  expect(seen?.value).toHaveLength(value.length);
  await expect(fetchSome(await readerOf(one.log, 0))).rejects.toMatchObject(corrupt('bomb'));
});

test('zstd: kafkajs ends, the log reads it', async () => {
  await using one = await ours(broker.bootstrap);
  const text = 'a'.repeat(5000);
  await one.log.append([task(0, text)]);
  await expect(consume(bareKafka(broker.bootstrap), one.topic, ({ length }) => length === 1)).rejects.toThrow(/ZSTD/);
  expect(await valuesOf(one.log, 0)).toEqual([text]);
});

test('a position that is gone: kafkajs jumps to the end without a word, the log says so', async () => {
  await using one = await ours(broker.bootstrap);
  const groupId = `${one.namespace}g`;
  for (const value of ['a', 'b', 'c', 'd']) {
    await producer.send({ topic: one.topic, messages: [{ value, partition: 0 }] });
  }
  await admin.setOffsets({ groupId, topic: one.topic, partitions: [{ partition: 0, offset: '1' }] });
  await admin.deleteTopicRecords({ topic: one.topic, partitions: [{ partition: 0, offset: '3' }] });
  const consumer = bareKafka(broker.bootstrap).consumer({ groupId, maxWaitTimeInMs: 100 });
  const values: string[] = [];
  let crashes = 0;
  consumer.on('consumer.crash', () => {
    crashes++;
  });
  await consumer.connect();
  await consumer.subscribe({ topic: one.topic });
  await consumer.run({ eachMessage: async ({ message }) => void values.push(`${message.value}`) });
  const stands = async () => (await admin.fetchOffsets({ groupId, topics: [one.topic] }))[0]?.partitions[0];
  // -1 as a position: the latest.
  await expect.poll(async () => (await stands())?.offset, { timeout: 30_000 }).toBe('-1');
  await expect
    .poll(
      async () => {
        await producer.send({ topic: one.topic, messages: [{ value: 'e', partition: 0 }] });
        return values.at(-1);
      },
      { timeout: 30_000, interval: 200 },
    )
    .toBe('e');
  // d was there to be read.
  expect(values).not.toContain('d');
  expect(crashes).toBe(0);
  await consumer.disconnect();

  const reader = await readerOf(one.log, 0, 1);
  await expect(fetchSome(reader)).rejects.toMatchObject({
    code: 'LOG_POSITION_LOST',
    details: { offset: 1, start: 3 },
  });
});

test('a key of four zero bytes: to kafkajs it ends an aborted transaction, whose rest it hands out', async () => {
  await using one = await ours(broker.bootstrap);
  const transactional = bareKafka(broker.bootstrap).producer({
    transactionalId: `${one.namespace}bare`,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await transactional.connect();
  const transaction = await transactional.transaction();
  const messages = [
    { key: 'k', value: 'aborted' },
    { key: Buffer.alloc(4), value: 'aborted, with that key' },
    { key: 'k', value: 'aborted, behind it' },
  ];
  await transaction.send({ topic: one.topic, messages: messages.map((each) => ({ ...each, partition: 0 })) });
  await transaction.abort();
  await transactional.disconnect();
  await producer.send({ topic: one.topic, messages: [{ key: 'k', value: 'kept', partition: 0 }] });
  const isKept = ({ value }: { readonly value: string }) => value === 'kept';
  const seen = await consume(bareKafka(broker.bootstrap), one.topic, (all) => all.some(isKept));
  expect(seen.map(({ value }) => value)).toEqual(['aborted, with that key', 'aborted, behind it', 'kept']);
  expect(await valuesOf(one.log, 0)).toEqual(['kept']);
});

test('nothing but markers: kafkajs shows no batch of them, so whoever keeps positions stays behind the end', async () => {
  await using one = await ours(broker.bootstrap);
  const transactional = bareKafka(broker.bootstrap).producer({
    transactionalId: `${one.namespace}bare`,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await transactional.connect();
  await producer.send({ topic: one.topic, messages: [{ value: 'a', partition: 0 }] });
  for (let i = 0; i < 3; i++) {
    const transaction = await transactional.transaction();
    await transaction.send({ topic: one.topic, messages: [{ value: 'aborted', partition: 0 }] });
    await transaction.abort();
  }
  await transactional.disconnect();
  // What kafkajs has been told is decided; it is written later.
  await expect.poll(async () => (await one.log.bounds(TASKS.name, 'committed'))[0]?.end).toBe(7);
  const groupId = `${one.namespace}bare`;
  const consumer = bareKafka(broker.bootstrap).consumer({ groupId, maxWaitTimeInMs: 100, maxBytes: 1 });
  const positions: number[] = [];
  let empty = 0;
  consumer.on('consumer.end_batch_process', ({ payload }) => {
    if (payload.partition === 0 && payload.batchSize === 0) empty++;
  });
  await consumer.connect();
  await consumer.subscribe({ topic: one.topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      if (batch.partition === 0) positions.push(Number(batch.lastOffset()) + 1);
    },
  });
  // It went through the rest, in a batch or more, and kept that to itself.
  await expect.poll(() => empty, { timeout: 30_000 }).toBeGreaterThan(0);
  await consumer.disconnect();
  expect(positions.at(-1)).toBeLessThan(7);

  const reader = await readerOf(one.log, 0);
  while ((reader.positions()[0]?.offset ?? 7) < 7) await fetchSome(reader);
  await one.log.commit('g', reader.positions());
  expect(await one.log.committed('g', [at(0, 0)])).toEqual([at(0, 7)]);
});

const MEMBERS = ['a', 'b', 'c'];

/** Members join one after the other; what the first two have in the end that they did not have when they were two. */
async function gainedByThird(join: (name: string, owns: (partitions: readonly number[]) => void) => Promise<void>) {
  const owned = new Map<string, readonly number[]>();
  let whenTwo = new Map<string, readonly number[]>();
  for (const [i, name] of MEMBERS.entries()) {
    if (i === 2) whenTwo = new Map(owned);
    await join(name, (partitions) => owned.set(name, partitions));
    const shares = MEMBERS.slice(0, i + 1).map(() => 6 / (i + 1));
    await expect.poll(() => [...owned.values()].map(({ length }) => length), { timeout: 30_000 }).toEqual(shares);
  }
  return [...whenTwo].flatMap(([name, had]) => owned.get(name)?.filter((each) => !had.includes(each)) ?? []);
}

test('a third member: kafkajs moves partitions between those who stay, the log none', async () => {
  await using one = await ours(broker.bootstrap);
  const consumers: Consumer[] = [];
  const gained = await gainedByThird(async (clientId, owns) => {
    const groupId = `${one.namespace}bare`;
    const options = { groupId, heartbeatInterval: 200, maxWaitTimeInMs: 100 };
    const consumer = bareKafka(broker.bootstrap, { clientId }).consumer(options);
    consumer.on('consumer.group_join', ({ payload }) => owns(payload.memberAssignment[one.topic] ?? []));
    consumers.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topic: one.topic });
    await consumer.run({ eachMessage: async () => undefined });
  });
  expect(gained).not.toEqual([]);
  // And there is no way to take partitions without a group, as every reader of the log does.
  expect(consumers[0]).not.toHaveProperty('assign');
  await Promise.all(consumers.map((consumer) => consumer.disconnect()));

  const members: GroupMember[] = [];
  const working: Promise<void>[] = [];
  const gainedHere = await gainedByThird(async (_, owns) => {
    const member = await one.log.joinGroup({ group: 'g', topics: [TASKS.name] });
    members.push(member);
    const work = async () => {
      for await (const { kind, partitions } of member) {
        owns(kind === 'assigned' ? partitions.map(({ partition }) => partition) : []);
      }
    };
    working.push(work());
  });
  expect(gainedHere).toEqual([]);
  await Promise.all(members.map((member) => member.close()));
  await Promise.all(working);
});
