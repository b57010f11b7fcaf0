import { silentLogger, systemClock, systemRandom } from '@tidemark/base';
import { type Kafka, startKafka } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RAW, raw, rawAt, textOf } from '../src/conformance/traits.ts';
import { type KafkaLog, openKafkaLog } from '../src/kafka/kafka-log.ts';
import { kafkaMetrics } from '../src/kafka/metrics.ts';
import { API } from '../src/kafka/protocol/api-keys.ts';
import { ALL, settled, until, Worker } from './group-worker.ts';
import { kafkaParts } from './kafka-parts.ts';
import { bareKafka, losingSockets } from './kafkajs/bare.ts';
import { at, ours, TASKS, task, valuesOf } from './kafkajs/worlds.ts';

// Three brokers, and leaders and coordinators that die, hand over or fall silent while appends and transactions are under
// way; and members of groups that outlive theirs.

let kafka: Kafka;
beforeAll(async () => {
  kafka = await startKafka({ brokers: 3, own: true });
});
afterAll(() => kafka.stop());

function open(namespace: string): Promise<KafkaLog> {
  return openKafkaLog({
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    metrics: kafkaMetrics(),
    options: {
      brokers: kafka.bootstrap,
      namespace,
      replicationFactor: 3,
      minInSyncReplicas: 2,
      requestMaxMs: 3000,
      operationMaxMs: 90_000,
      recordBytesMax: 100_000,
      batchBytesMax: 200_000,
    },
  });
}

/** Appends to all partitions all the time while `trouble` happens; then every partition must read as it was written. */
async function appendDuring(namespace: string, trouble: () => Promise<void>): Promise<void> {
  const log = await open(namespace);
  await log.ensureTopics([RAW]);
  let isOver = false;
  const wanted: string[] = [];
  const appending = (async () => {
    for (let i = 0; !isOver; i++) {
      wanted.push(`${i}`);
      await Promise.all([
        log.append([raw(0, `${i}`), raw(1, `${i}`)]),
        log.append([raw(2, `${i}`)]),
        systemClock.sleep(5),
      ]);
    }
  })();
  try {
    await systemClock.sleep(300);
    await trouble();
  } finally {
    isOver = true;
  }
  await appending;
  for (const partition of [0, 1, 2]) {
    const reader = await log.openReader({ group: 'g', from: [{ ...rawAt(partition), offset: 'earliest' }] });
    const found: (string | null)[] = [];
    while (found.length < wanted.length) {
      const fetched = await reader.fetch({ maxBytes: 1_000_000, maxWaitMs: 10_000 });
      if (fetched.length === 0) break;
      for (const { records } of fetched) found.push(...records.map(({ value }) => textOf(value)));
    }
    expect(found).toEqual(wanted);
    await reader.close();
  }
  expect((await log.bounds(RAW.name)).map(({ end }) => end)).toEqual([0, 1, 2].map(() => wanted.length));
  await log.close();
}

test('a broker is killed in mid-send and comes back: all is there once, in order', () =>
  appendDuring('killed.', async () => {
    await kafka.kill9(1);
    await systemClock.sleep(2000);
    await kafka.restart(1);
    await systemClock.sleep(500);
  }));

test('a broker falls silent with its connections open, and wakes up behind the others', () =>
  appendDuring('silent.', async () => {
    kafka.pause(2);
    await systemClock.sleep(8000);
    kafka.resume(2);
    await systemClock.sleep(1000);
  }));

test('a broker hands its partitions over and goes', () =>
  appendDuring('handed.', async () => {
    await kafka.stopBroker(0);
    await systemClock.sleep(1000);
    await kafka.restart(0);
  }));

const ROUNDS = 20;
// Shorter than brokers take to leave one out that says nothing (3 s).
const LATE_MS = 1200;

test('one leader answers late and another breaks off: kafkajs sends all again, the log what is not there', async () => {
  const network = losingSockets(API.produce, 'written');
  const socketFactory = network.factory;
  await using one = await ours(kafka.bootstrap, { socketFactory, replicationFactor: 3, minInSyncReplicas: 2 });
  const late = 0;
  let broke = 0;
  /** Sends to the first partition and to one of another leader. Who leads is asked each time: a busy machine moves leaders. */
  const during = async (send: (partitions: readonly [number, number]) => Promise<unknown>) => {
    const leaders = await leadersOf(one.namespace);
    const other = leaders.findIndex((leader) => leader !== leaders[late]);
    network.port = Number(kafka.bootstrap[leaders[other] as number]?.split(':')[1]);
    network.left = 1;
    kafka.pause(leaders[late] as number);
    const sending = send([late, other]);
    sending.catch(() => undefined);
    await systemClock.sleep(LATE_MS);
    kafka.resume(leaders[late] as number);
    await sending;
    broke += 1 - network.left;
    network.left = 0;
  };

  const retry = { initialRetryTime: 50, retries: 10 };
  const bare = bareKafka(kafka.bootstrap, { socketFactory: socketFactory as never, retry });
  const producer = bare.producer({ idempotent: true });
  const send = (partitions: readonly number[]) =>
    producer.send({ topic: one.topic, messages: partitions.map((partition) => ({ partition, value: 'bare' })) });
  const endOf = async () => (await one.log.bounds(TASKS.name))[late]?.end ?? 0;
  await producer.connect();
  await send([0, 1, 2, 3, 4, 5]);
  let sent = 1;
  // If it asks the late one who leads now, which is chance, it hears first that its records were taken.
  for (; sent < ROUNDS && (await endOf()) === sent; sent++) await during(send);
  expect(await endOf()).toBeGreaterThan(sent);
  await producer.disconnect();

  broke = 0;
  const wanted = ['a', 'b', 'c', 'd'];
  for (const value of wanted) await during((at) => one.log.append(at.map((partition) => task(partition, value))));
  expect(broke).toBeGreaterThan(0);
  const own = async (partition: number) => (await valuesOf(one.log, partition)).filter((value) => value !== 'bare');
  expect(await own(late)).toEqual(wanted);
  expect((await Promise.all([1, 2, 3, 4, 5].map(own))).flat().sort()).toEqual(wanted);
});

/** Broker index of each partition's leader. */
async function leadersOf(namespace: string): Promise<readonly number[]> {
  await using parts = kafkaParts({ brokers: kafka.bootstrap, namespace });
  const leaders = await Promise.all([0, 1, 2, 3, 4, 5].map((partition) => parts.client.leaderOf(at(partition, 0))));
  return leaders.map(({ nodeId }) => kafka.ids.indexOf(nodeId));
}

test('the coordinator of transactions is killed, and the next falls silent: each is there whole, once, in order', async () => {
  const options = { replicationFactor: 3, minInSyncReplicas: 2, requestMaxMs: 3000, operationMaxMs: 60_000 };
  await using one = await ours(kafka.bootstrap, options);
  const id = { transactionalId: 'task 0' };
  const producer = await one.log.openProducer(id);
  let isOver = false;
  let committed = 0;
  const working = (async () => {
    // However slow the machine: some before, some between, some after.
    for (; !isOver || committed <= 10; committed++) {
      const transaction = await producer.begin();
      await transaction.append([0, 1, 2, 3, 4, 5].map((partition) => task(partition, `${committed}`)));
      await transaction.sendOffsets('g', [at(0, committed)]);
      await transaction.commit();
    }
  })();
  const coordinator = async () => {
    await using parts = kafkaParts({ brokers: kafka.bootstrap, namespace: one.namespace });
    return kafka.ids.indexOf(await parts.client.coordinatorOf('transaction', id.transactionalId));
  };
  try {
    await systemClock.sleep(500);
    const killed = await coordinator();
    await kafka.kill9(killed);
    await systemClock.sleep(1000);
    await kafka.restart(killed);
    const silent = await coordinator();
    kafka.pause(silent);
    await systemClock.sleep(5000);
    kafka.resume(silent);
    await systemClock.sleep(1000);
  } finally {
    isOver = true;
  }
  await working;
  const wanted = Array.from({ length: committed }, (_, i) => `${i}`);
  for (const partition of [0, 1, 2, 3, 4, 5]) expect(await valuesOf(one.log, partition)).toEqual(wanted);
  expect(await one.log.committed('g', [at(0, 0)])).toEqual([at(0, committed - 1)]);
});

test('members outlive their coordinator, killed or silent, and settle with the next one', async () => {
  await using log = await ours(kafka.bootstrap, { replicationFactor: 3, minInSyncReplicas: 2 });
  const options = { brokers: kafka.bootstrap, namespace: log.namespace, sessionMaxMs: 20_000, requestMaxMs: 3000 };
  const parts = [kafkaParts(options), kafkaParts(options), kafkaParts(options)] as const;
  const [one, two, other] = parts;
  try {
    const a = await Worker.join(one, TASKS);
    const b = await Worker.join(two, TASKS);
    await settled(a, b);
    const killed = kafka.ids.indexOf(await one.client.coordinatorOf('group', 'g'));
    await kafka.kill9(killed);
    const c = await Worker.join(other, TASKS);
    await until(() => expect([...a.owned, ...b.owned, ...c.owned].sort()).toEqual(ALL), 60_000);
    await settled(a, b, c);
    expect([a, b, c].map(({ ended }) => ended)).toEqual([undefined, undefined, undefined]);
    await a.member.commit([at(a.owned[0] ?? -1, 0)]);
    await kafka.restart(killed);
    const paused = kafka.ids.indexOf(await other.client.coordinatorOf('group', 'g'));
    kafka.pause(paused);
    await c.member.close();
    await settled(a, b);
    kafka.resume(paused);
    await settled(a, b);
    expect([a, b].map(({ ended }) => ended)).toEqual([undefined, undefined]);
  } finally {
    for (const each of parts) await each[Symbol.asyncDispose]();
  }
});

// A join that hangs on what is silent may take rebalanceMaxMs and a request's time more: here half as long again as the test
// waits, which gives new coordinators, on a busy machine, their time.
const REBALANCE_MAX_MS = 180_000;
const NOTICED_MS = 120_000;

test('the coordinator falls silent while a member joins for the first time: it joins with the next one', async () => {
  await using log = await ours(kafka.bootstrap, { replicationFactor: 3, minInSyncReplicas: 2 });
  const options = {
    brokers: kafka.bootstrap,
    namespace: log.namespace,
    sessionMaxMs: 20_000,
    rebalanceMaxMs: REBALANCE_MAX_MS,
    requestMaxMs: 3000,
  };
  await using one = kafkaParts(options);
  await using two = kafkaParts(options);
  const there = await one.groups.join({ group: 'g', topics: [TASKS.name] });
  await there.next();
  const b = await Worker.join(two, TASKS);
  // From here on the join of the new member is under way, and waits for the other to give up what it has.
  expect(await there.next()).toMatchObject({ kind: 'revoked' });
  const silent = kafka.ids.indexOf(await one.client.coordinatorOf('group', 'g'));
  kafka.pause(silent);
  try {
    const a = new Worker(there);
    await until(() => expect([a.owned.length, b.owned.length]).toEqual([3, 3]), NOTICED_MS);
    expect([...a.owned, ...b.owned].sort()).toEqual(ALL);
  } finally {
    kafka.resume(silent);
  }
});
