import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isTidemarkError, silentLogger, systemClock, systemRandom } from '@tidemark/base';
import { type Kafka, startKafka, startTidemark } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type KafkaLog, openKafkaLog } from '../src/kafka/kafka-log.ts';
import { kafkaMetrics } from '../src/kafka/metrics.ts';
import { Acls, type Grant } from './kafkajs/acls.ts';
import { at, fetchSome, ours, readerOf, TASKS, task } from './kafkajs/worlds.ts';

// A broker that knows who may do what. Whoever lacks a right is told at once which it is, and the command that grants it is
// carried out: then it goes on.

const PASSWORD = 'secret';

let kafka: Kafka;
let acls: Acls;
beforeAll(async () => {
  const users = [WHOLE, ...CASES.map((_, i) => userOf(i))].map((user) => ` user_${user}="${PASSWORD}"`).join('');
  kafka = await startKafka({
    secure: true,
    config: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // Whoever comes to the plain listener, and brokers among themselves.
      'super.users': 'User:ANONYMOUS',
      'listener.name.tls.ssl.client.auth': 'required',
      'listener.name.sasl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required${users};`,
    },
  });
  acls = await Acls.open(kafka.bootstrap[0] as string);
});
afterAll(async () => {
  await acls[Symbol.asyncDispose]();
  await kafka.stop();
});

// Waiting for this long would be a hang.
const AT_ONCE_MS = 5000;
/** Of a process with all roles. */
const WHOLE = 'whole';
const userOf = (i: number) => `user-${i}`;

function openAs(username: string, namespace: string): Promise<KafkaLog> {
  return openKafkaLog({
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    metrics: kafkaMetrics(),
    options: {
      brokers: kafka.secure?.sasl ?? [],
      sasl: { mechanism: 'PLAIN', username, password: PASSWORD },
      namespace,
      recordBytesMax: 100_000,
      batchBytesMax: 200_000,
    },
  });
}

type Right = readonly [operation: string, kind: Grant['kind'], name?: string];
const SEE: readonly Right[] = [
  ['Describe', 'topic', 'tasks'],
  ['DescribeConfigs', 'topic', 'tasks'],
];
const WRITE: readonly Right[] = [...SEE, ['Write', 'topic', 'tasks']];

interface Case {
  readonly caption: string;
  readonly has: readonly Right[];
  readonly lacks: Right;
  readonly does: (log: KafkaLog) => Promise<unknown>;
}

const OTHER = { ...TASKS, name: 'other' };
const CASES: readonly Case[] = [
  {
    caption: 'to see a topic',
    has: [],
    lacks: ['Describe', 'topic', 'tasks'],
    does: (log) => log.bounds(TASKS.name),
  },
  {
    caption: 'to see the settings of a topic',
    has: [['Describe', 'topic', 'tasks']],
    lacks: ['DescribeConfigs', 'topic', 'tasks'],
    does: (log) => log.ensureTopics([TASKS]),
  },
  {
    caption: 'to create a topic',
    has: [['Describe', 'topic', 'other']],
    lacks: ['Create', 'topic', 'other'],
    does: (log) => log.ensureTopics([OTHER]),
  },
  {
    caption: 'to write to any topic',
    has: SEE,
    lacks: ['IdempotentWrite', 'cluster'],
    // Refused for the topic then, as the next case.
    does: (log) =>
      log.append([task(0, 'a')]).catch((error) => (isOn(error, 'cluster') ? Promise.reject(error) : 'next')),
  },
  {
    caption: 'to write to a topic',
    has: [...SEE, ['IdempotentWrite', 'cluster']],
    lacks: ['Write', 'topic', 'tasks'],
    does: (log) => log.append([task(0, 'a')]),
  },
  {
    caption: 'to read a topic',
    has: SEE,
    lacks: ['Read', 'topic', 'tasks'],
    does: async (log) => fetchSome(await readerOf(log, 0)),
  },
  {
    caption: 'to join a group',
    has: SEE,
    lacks: ['Read', 'group', 'g'],
    does: async (log) => {
      const member = await log.joinGroup({ group: 'g', topics: [TASKS.name] });
      await member.next();
    },
  },
  {
    caption: 'to commit positions of a group',
    has: [...SEE, ['Read', 'topic', 'tasks'], ['Describe', 'group', 'g']],
    lacks: ['Read', 'group', 'g'],
    does: (log) => log.commit('g', [at(0, 0)]),
  },
  {
    caption: 'to commit positions on a topic it may not read',
    has: [...SEE, ['Read', 'group', 'g']],
    lacks: ['Read', 'topic', 'tasks'],
    does: (log) => log.commit('g', [at(0, 0)]),
  },
  {
    caption: 'to see positions of a group',
    has: SEE,
    lacks: ['Describe', 'group', 'g'],
    does: (log) => log.committed('g', [at(0, 0)]),
  },
  {
    caption: 'to forget a group',
    has: [['Read', 'group', 'g']],
    lacks: ['Delete', 'group', 'g'],
    does: (log) => log.forget('g'),
  },
  {
    caption: 'to have a transactional id',
    has: WRITE,
    lacks: ['Write', 'transactional-id', 'task'],
    does: (log) => log.openProducer({ transactionalId: 'task' }),
  },
  {
    caption: 'to write to a topic in a transaction',
    has: [...SEE, ['Write', 'transactional-id', 'task']],
    lacks: ['Write', 'topic', 'tasks'],
    does: async (log) => {
      const producer = await log.openProducer({ transactionalId: 'task' });
      const transaction = await producer.begin();
      await transaction.append([task(0, 'a')]);
      // It is not there, but this producer is of no more use.
      await transaction.commit().catch(({ message, cause }) => {
        expect(message).toContain(cause.message);
        throw cause;
      });
    },
  },
];

function isOn(error: unknown, resource: string): boolean {
  return isTidemarkError(error, 'LOG_DENIED') && error.details['resource'] === resource;
}

test.each(CASES.map((each, i) => [each.caption, userOf(i), each] as const))(
  'a user without the right %s is told so at once, and goes on when what the error says is done',
  async (_, user, { has, lacks, does }) => {
    await using owner = await ours(kafka.bootstrap, { namespace: `${randomUUID()}.` });
    const { namespace } = owner;
    const grantOf = ([operation, kind, name]: Right): Grant =>
      name === undefined ? { user, operation, kind } : { user, operation, kind, name: `${namespace}${name}` };
    await owner.log.append([task(0, 'there')]);
    await acls.grant(has.map(grantOf));
    const log = await openAs(user, namespace);
    try {
      const error = await vi.waitFor(() => deniedTo(log, does, lacks), { timeout: AT_ONCE_MS, interval: 20 });
      expect(error.message).toContain(`deny User:${user} ${lacks[0]} on`);
      const command = error.message.split('Grant it with: ')[1] ?? '';
      expect(await acls.carryOut(command)).toEqual([grantOf(lacks)]);
      await vi.waitFor(() => does(log), { timeout: AT_ONCE_MS, interval: 50 });
    } finally {
      await log.close();
    }
  },
);

/** How it was denied; rights given a moment ago are known to the broker a moment later. */
async function deniedTo(log: KafkaLog, does: Case['does'], [operation, kind]: Right) {
  const begunMs = systemClock.monotonicMs();
  const error = await does(log).then(
    () => undefined,
    (each: unknown) => each,
  );
  expect(systemClock.monotonicMs() - begunMs).toBeLessThan(AT_ONCE_MS);
  if (!isTidemarkError(error, 'LOG_DENIED')) throw new Error(`not denied but: ${error}`, { cause: error });
  expect(error.details).toMatchObject({ operation, resource: kind.replace('-', ' ') });
  return error;
}

test('a listener that knows users by their certificates: whoever has none is told what to set', async () => {
  const { tls: brokers = [], ca = '' } = kafka.secure ?? {};
  await expect(ours(brokers, { tls: { ca } })).rejects.toMatchObject({
    code: 'LOG_DENIED',
    message: `broker ${brokers[0]} asks for a certificate that it trusts: set kafka.certFile and kafka.keyFile`,
  });
});

const PAGE = readFileSync(new URL('../../../docs/operating/kafka.md', import.meta.url), 'utf8');

/** What the page says that all roles need: a cell is "`a`, `b`: Read, Write; `c`: Delete". */
function grantsOfPage(namespace: string): readonly Grant[] {
  const lines = PAGE.split('\n').filter((line) => /^\|.*\| none \|$/.test(line));
  return lines.flatMap((line) => {
    const [, , topics = '', groups = ''] = line.split('|');
    return [['topic', topics] as const, ['group', groups] as const].flatMap(([kind, cell]) =>
      cell.split(';').flatMap((part) => {
        const [names = '', operations = ''] = part.split(':');
        return [...names.matchAll(/`([^`]+)`/g)].flatMap(([, name]) =>
          operations
            .split(',')
            .map((each) => ({ user: WHOLE, operation: each.trim(), kind, name: `${namespace}${name}` })),
        );
      }),
    );
  });
}

const wordsOf = (grants: readonly Grant[]) =>
  [...new Set(grants.map(({ kind, name, operation }) => `${operation} ${kind} ${name}`))].sort();

test('a process says what it may not do until it may, and works with what the page says it needs and nothing else', async () => {
  const namespace = `${randomUUID()}.`;
  await using tidemark = await startTidemark({
    readyPath: '/-/healthy',
    env: {
      TIDEMARK_LOG_KIND: 'kafka',
      TIDEMARK_LOG_PARTITIONS: '2',
      TIDEMARK_KAFKA_BROKERS: kafka.secure?.sasl.join() ?? '',
      TIDEMARK_KAFKA_NAMESPACE: namespace,
      TIDEMARK_KAFKA_MECHANISM: 'PLAIN',
      TIDEMARK_KAFKA_USERNAME: WHOLE,
      TIDEMARK_KAFKA_PASSWORD: PASSWORD,
      TIDEMARK_COLLECTOR_HOST: 'false',
    },
  });
  const ready = async () => {
    const response = await fetch(`${tidemark.url}/-/ready`);
    return { status: response.status, text: await response.text() };
  };
  const notReady = (denied: string) =>
    vi.waitFor(
      async () => {
        const { status, text } = await ready();
        expect({ status, text }).toEqual({ status: 503, text: expect.stringContaining(denied) });
        return text.trim().split('Grant it with: ')[1] ?? '';
      },
      { timeout: 20_000, interval: 50 },
    );

  await notReady(`deny User:${WHOLE} Describe on topic ${namespace}tidemark.1h, `);
  const grants = grantsOfPage(namespace);
  const all = grants.filter(({ name }) => name?.endsWith('*'));
  await acls.grant(all);
  const commands = await notReady(`Read and Write on topic ${namespace}tidemark.config, `);
  const told = (await Promise.all(commands.split(' && ').map((command) => acls.carryOut(command)))).flat();
  const isOfAll = ({ kind, operation }: Grant) =>
    all.some((each) => each.kind === kind && each.operation === operation);
  expect(wordsOf(told)).toEqual(wordsOf(grants.filter((each) => !isOfAll(each))));
  await vi.waitFor(async () => expect((await ready()).status).toBe(200), { timeout: 30_000, interval: 50 });

  const pushed = await fetch(`${tidemark.url}/api/v1/import/prometheus`, { method: 'POST', body: 'allowed 42\n' });
  expect(pushed.status).toBe(200);
  const query = async () => {
    const headers = { 'x-read-consistency': 'strong' };
    return await (await fetch(`${tidemark.url}/api/v1/query?query=allowed`, { headers })).json();
  };
  expect(await query()).toMatchObject({ data: { result: [{ value: [expect.anything(), '42'] }] } });
  // Positions of the store are committed with it.
  const flushed = await fetch(`${tidemark.url}/api/v1/admin/flush`, { method: 'POST' });
  expect(await flushed.json()).toMatchObject({ data: { caughtUp: true } });
  expect((await tidemark.stop()).code).toBe(0);
  expect(tidemark.logs.slice(tidemark.logs.lastIndexOf('reach the log again'))).not.toContain('deny');
});
