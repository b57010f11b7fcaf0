import { type Kafka as Broker, sharedKafka } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API } from '../../src/kafka/protocol/api-keys.ts';
import { type Admin, bareKafka, consume, losingSockets, type Producer, refusingSockets, STILL_ENDING } from './bare.ts';
import { at, ours, TASKS, task, valuesOf } from './worlds.ts';

// Transactions: what kafkajs does with them by itself, and what the log does in the same place.

let broker: Broker;
beforeAll(async () => {
  broker = await sharedKafka();
});
afterAll(() => broker.stop());

const ID = { transactionalId: 'task 0' };

function bareProducer(transactionalId: string, config: Parameters<typeof bareKafka>[1] = {}): Producer {
  const kafka = bareKafka(broker.bootstrap, config);
  return kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
}

async function withAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = bareKafka(broker.bootstrap).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Where a group stands in partition 0; -1: nowhere. */
const stands = (groupId: string, topic: string) =>
  withAdmin(async (admin) => {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return Number(found?.partitions.find(({ partition }) => partition === 0)?.offset);
  });

const offsets = (topic: string, offset: number, partition = 0) => ({
  topics: [{ topic, partitions: [{ partition, offset: String(offset) }] }],
});

test('kafkajs: who connects under an id has fenced nobody, and the position it then reads is not the last', async () => {
  await using one = await ours(broker.bootstrap);
  const former = bareProducer(`${one.namespace}bare`);
  const owner = bareProducer(`${one.namespace}bare`);
  await former.connect();
  const open = await former.transaction();
  await open.send({ topic: one.topic, messages: [{ value: 'of the former', partition: 0 }] });
  await owner.connect();
  const begins = await stands(`${one.namespace}g`, one.topic);
  await open.sendOffsets({ consumerGroupId: `${one.namespace}g`, ...offsets(one.topic, 1) });
  await open.commit();
  expect(begins).toBe(-1);
  await expect.poll(() => stands(`${one.namespace}g`, one.topic)).toBe(1);
  // The first transaction is what fences.
  await (await owner.transaction()).abort();
  const late = await former.transaction();
  await expect(late.send({ topic: one.topic, messages: [{ value: 'late', partition: 0 }] })).rejects.toThrow(/epoch/i);
  await Promise.all([former.disconnect(), owner.disconnect()]);
});

test('the log: opening fences, so positions read after it stand', async () => {
  await using one = await ours(broker.bootstrap);
  await using two = await ours(broker.bootstrap, { namespace: one.namespace });
  const former = await one.log.openProducer(ID);
  const open = await former.begin();
  await open.append([task(0, 'of the former')]);
  await open.sendOffsets('g', [at(0, 0)]);
  await two.log.openProducer(ID);
  expect(await two.log.committed('g', [at(0, 0)])).toEqual([]);
  await expect(open.commit()).rejects.toMatchObject({ code: 'LOG_FENCED' });
  expect(await two.log.committed('g', [at(0, 0)])).toEqual([]);
  expect(await valuesOf(two.log, 0)).toEqual([]);
});

test('kafkajs: a transaction moves positions of a group that its sender is not a member of any more', async () => {
  await using one = await ours(broker.bootstrap);
  const groupId = `${one.namespace}g`;
  const consumer = bareKafka(broker.bootstrap).consumer({ groupId });
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
  await consumer.connect();
  await consumer.subscribe({ topic: one.topic });
  await consumer.run({ eachMessage: async () => undefined });
  await joined;
  // Of a member that was left behind, say. The request does not name member or generation: the broker cannot know.
  const producer = bareProducer(`${one.namespace}bare`);
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic: one.topic, messages: [{ value: 'a', partition: 0 }] });
  await transaction.sendOffsets({ consumerGroupId: groupId, ...offsets(one.topic, 1) });
  await transaction.commit();
  await expect.poll(() => stands(groupId, one.topic)).toBe(1);
  await Promise.all([consumer.disconnect(), producer.disconnect()]);
});

test('the log: positions in a transaction are refused to a former member, and nothing of it is there', async () => {
  await using one = await ours(broker.bootstrap, { rebalanceMaxMs: 1500 });
  await using two = await ours(broker.bootstrap, { namespace: one.namespace, rebalanceMaxMs: 1500 });
  const former = await one.log.joinGroup({ group: 'g', topics: [TASKS.name] });
  await former.next();
  const producer = await one.log.openProducer(ID);
  const transaction = await producer.begin();
  await transaction.append([task(0, 'a')]);
  await transaction.sendOffsets('g', [at(0, 0)]);
  const member = await two.log.joinGroup({ group: 'g', topics: [TASKS.name] });
  // The former one does not give up what it has, and is left behind.
  expect((await member.next())?.partitions).toHaveLength(6);
  await expect(transaction.commit()).rejects.toMatchObject({ code: 'LOG_FENCED' });
  expect(await two.log.committed('g', [at(0, 0)])).toEqual([]);
  expect(await valuesOf(two.log, 0)).toEqual([]);
});

test('kafkajs: a producer that loses the answer to its commit is of no use any more, and the commit stands', async () => {
  await using one = await ours(broker.bootstrap);
  const network = losingSockets(API.endTxn);
  const producer = bareProducer(`${one.namespace}bare`, { socketFactory: network.factory as never });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic: one.topic, messages: [{ value: 'a', partition: 0 }] });
  network.left = 1;
  await expect(transaction.commit()).rejects.toThrow();
  await expect(transaction.abort()).rejects.toThrow('once ended');
  await expect(producer.transaction()).rejects.toThrow(/beginTransaction.*COMMITTING/);
  expect(await consume(bareKafka(broker.bootstrap), one.topic, (seen) => seen.length > 0)).toHaveLength(1);
  await producer.disconnect();
});

test('the log: a lost answer to a commit is asked for again, and the producer goes on', async () => {
  const network = losingSockets(API.endTxn);
  await using one = await ours(broker.bootstrap, { socketFactory: network.factory });
  const producer = await one.log.openProducer(ID);
  for (let i = 0; i < 3; i++) {
    const transaction = await producer.begin();
    await transaction.append([task(0, `${i}`)]);
    await transaction.sendOffsets('g', [at(0, i)]);
    network.left = 1;
    await transaction.commit();
    expect(network.left).toBe(0);
    expect(await one.log.committed('g', [at(0, 0)])).toEqual([at(0, i)]);
  }
  expect(await valuesOf(one.log, 0)).toEqual(['0', '1', '2']);
});

test('the log: where no answer to a commit comes, its outcome is unknown; the next owner of the id reads what it was', async () => {
  const network = losingSockets(API.endTxn);
  await using one = await ours(broker.bootstrap, { socketFactory: network.factory, operationMaxMs: 2000 });
  const unknown = { code: 'LOG_OUTCOME_UNKNOWN' };
  const producer = await one.log.openProducer(ID);
  const transaction = await producer.begin();
  await transaction.append([task(0, 'a')]);
  await transaction.sendOffsets('g', [at(0, 0)]);
  network.left = Number.POSITIVE_INFINITY;
  await expect(transaction.commit()).rejects.toMatchObject(unknown);
  await expect(producer.begin()).rejects.toMatchObject(unknown);
  network.left = 0;
  await producer.close();
  const next = await one.log.openProducer(ID);
  expect(next.epoch).toBeGreaterThan(producer.epoch);
  // The coordinator had it, whatever came back: records and positions say the same.
  expect(await one.log.committed('g', [at(0, 0)])).toEqual([at(0, 0)]);
  expect(await valuesOf(one.log, 0)).toEqual(['a']);
  const after = await next.begin();
  await after.append([task(0, 'b')]);
  await after.sendOffsets('g', [at(0, 1)]);
  await after.commit();
  expect(await valuesOf(one.log, 0)).toEqual(['a', 'b']);
});

test('kafkajs: positions first, while the coordinator still ends the transaction before, fail', async () => {
  await using one = await ours(broker.bootstrap);
  const network = refusingSockets(API.addOffsetsToTxn, STILL_ENDING);
  const producer = bareProducer(`${one.namespace}bare`, { socketFactory: network.factory as never });
  await producer.connect();
  const positions = async () => {
    const transaction = await producer.transaction();
    await transaction.sendOffsets({ consumerGroupId: `${one.namespace}g`, ...offsets(one.topic, 0) });
    await transaction.commit();
  };
  await positions();
  // A quick broker is done with most transactions before the next begins, so its answer is planted.
  network.left = 1;
  await expect(positions()).rejects.toThrow(/still being|concurrent/i);
  expect(network.left).toBe(0);
  await producer.disconnect();
});

test('the log: positions alone, one transaction right behind the other', async () => {
  const network = refusingSockets(API.addOffsetsToTxn, STILL_ENDING);
  await using one = await ours(broker.bootstrap, { socketFactory: network.factory });
  const producer = await one.log.openProducer(ID);
  for (let i = 0; i < 50; i++) {
    network.left = i % 10 === 9 ? 1 : 0;
    const transaction = await producer.begin();
    await transaction.sendOffsets('g', [at(0, 0)]);
    await transaction.commit();
    expect(network.left).toBe(0);
  }
  expect(await one.log.committed('g', [at(0, 0)])).toEqual([at(0, 0)]);
});

const TIMED = 8;
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] as number;

/** Milliseconds that `work` took, the middle of several, each with its answer planted. */
async function timed(network: { left: number }, work: () => Promise<void>): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < TIMED; i++) {
    network.left = 1;
    const began = performance.now();
    await work();
    took.push(performance.now() - began);
    expect(network.left).toBe(0);
  }
  return median(took);
}

test('while the coordinator still ends the transaction before, kafkajs waits 300 ms; the log does not', async () => {
  const theirs = refusingSockets(API.addPartitionsToTxn, STILL_ENDING);
  const network = refusingSockets(API.addPartitionsToTxn, STILL_ENDING);
  await using one = await ours(broker.bootstrap, { socketFactory: network.factory });
  const bare = bareProducer(`${one.namespace}bare`, { socketFactory: theirs.factory as never });
  const producer = await one.log.openProducer(ID);
  await bare.connect();
  const bareMs = await timed(theirs, async () => {
    const transaction = await bare.transaction();
    await transaction.send({ topic: one.topic, messages: [{ value: 'a', partition: 1 }] });
    await transaction.commit();
  });
  const oursMs = await timed(network, async () => {
    const transaction = await producer.begin();
    await transaction.append([task(0, 'a')]);
    await transaction.commit();
  });
  // A pause of 300 ms, give or take a fifth, and what is done besides.
  expect(bareMs).toBeGreaterThan(240);
  expect(oursMs).toBeLessThan(bareMs);
  await bare.disconnect();
});
