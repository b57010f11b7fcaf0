import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Kafka, sharedKafka, startProcess } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALL, settled, until, Worker } from './group-worker.ts';
import { type KafkaParts, kafkaParts, type PartsOptions, RAW } from './kafka-parts.ts';

// Groups on real brokers: over several processes' worth of clients, with sessions that end. Coordinators
// that go: three-brokers.kafka.test.ts.

let kafka: Kafka;
beforeAll(async () => {
  kafka = await sharedKafka();
});
afterAll(() => kafka.stop());

/** Clients of one namespace of its own, with the topic. */
async function clients(count: number, options: Partial<PartsOptions> = {}): Promise<KafkaParts[]> {
  const namespace = options.namespace ?? `${randomUUID()}.`;
  const parts = Array.from({ length: count }, () => kafkaParts({ brokers: kafka.bootstrap, namespace, ...options }));
  await parts[0]?.topics.ensure([RAW]);
  return parts;
}

const at = (partition: number, offset: number) => ({ topic: RAW.name, partition, offset });

test('members of several clients share a topic, stick to what they have, and hand over', async () => {
  const [one, two, three] = (await clients(3)) as [KafkaParts, KafkaParts, KafkaParts];
  await using _one = one;
  await using _two = two;
  const a = await Worker.join(one);
  await settled(a);
  const b = await Worker.join(two);
  await settled(a, b);
  expect(a.events.map(({ kind }) => kind)).toEqual(['assigned', 'revoked', 'assigned']);
  const [first, revoked, second] = a.events;
  expect(revoked).toMatchObject({ partitions: first?.partitions, generation: first?.generation });
  expect(second).toMatchObject({ kept: second?.partitions, added: [] });
  const before = { a: a.owned, b: b.owned };
  const c = await Worker.join(three);
  await settled(a, b, c);
  for (const [worker, had] of [
    [a, before.a],
    [b, before.b],
  ] as const) {
    expect(had).toEqual(expect.arrayContaining([...worker.owned]));
  }
  // The third client ends whole: its member leaves with it, long before a session is over.
  await three[Symbol.asyncDispose]();
  await settled(a, b);
  await expect(c.member.next()).rejects.toMatchObject({ code: 'LOG_CLOSED' });
});

test('commits are of owners, of the generation that is, and of nobody else while there are members', async () => {
  const [one, two] = (await clients(2)) as [KafkaParts, KafkaParts];
  await using _one = one;
  await using _two = two;
  const a = await Worker.join(one);
  await settled(a);
  const { generation } = a.member;
  await a.member.commit(ALL.map((partition) => at(partition, 0)));
  const b = await Worker.join(two);
  await settled(a, b);
  const fenced = { code: 'LOG_FENCED' };
  await expect(a.member.commit([at(b.owned[0] ?? -1, 0)])).rejects.toMatchObject(fenced);
  await expect(a.member.commit([at(a.owned[0] ?? -1, 0)], generation)).rejects.toMatchObject(fenced);
  await expect(a.member.commit([at(a.owned[0] ?? -1, 1)])).rejects.toMatchObject({ code: 'LOG_POSITION_LOST' });
  await expect(one.positions.commit('g', [at(0, 0)])).rejects.toMatchObject({ code: 'LOG_GROUP_IN_USE' });
  await expect(one.positions.forget('g')).rejects.toMatchObject({ code: 'LOG_GROUP_IN_USE' });
  await a.member.commit([at(a.owned[0] ?? -1, 0)], a.member.generation);
  await a.member.close();
  await b.member.close();
  await one.positions.commit('g', [at(0, 0)]);
  await one.positions.forget('g');
});

test('nobody gets a partition before its owner is done with it, and who is not done in time is fenced', async () => {
  const [one, two] = (await clients(2, { rebalanceMaxMs: 3000 })) as [KafkaParts, KafkaParts];
  await using _one = one;
  await using _two = two;
  const a = await one.groups.join({ group: 'g', topics: [RAW.name] });
  await a.next();
  const b = await Worker.join(two);
  expect(await a.next()).toMatchObject({ kind: 'revoked' });
  await a.commit([at(0, 0)]);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(b.events).toEqual([]);
  await settled(b);
  await expect(a.commit([at(0, 0)])).rejects.toMatchObject({ code: 'LOG_FENCED' });
  await expect(a.next()).rejects.toMatchObject({ code: 'LOG_FENCED' });
  await a.close();
});

test('a process stopped for longer than its session finds out, and hands back its partitions', async () => {
  const [one] = (await clients(1, { sessionMaxMs: 2000 })) as [KafkaParts];
  await using _one = one;
  const namespace = one.client.names.toBroker('');
  const program = join(import.meta.dirname, 'member-process.ts');
  await using process = await startProcess({
    name: 'member',
    command: globalThis.process.execPath,
    args: ['-C', 'source', program, kafka.bootstrap.join(), namespace, '2000'],
    ready: async (each) => each.output.includes('"assigned"'),
  });
  const b = await Worker.join(one);
  await until(() => expect(b.owned).toHaveLength(3));
  process.signal('SIGSTOP');
  await settled(b);
  process.signal('SIGCONT');
  await until(() => expect(process.output).toContain('{"ended":"LOG_FENCED"}'));
  await settled(b);
});
