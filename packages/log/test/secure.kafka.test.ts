import { systemClock } from '@tidemark/base';
import { type Kafka, type KafkaSecure, startKafka, unsecuredToken } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KafkaLogOptions, SaslOptions } from '../src/kafka/options.ts';
import { plainSockets } from '../src/kafka/sockets.ts';
import { bareKafka } from './kafkajs/bare.ts';
import { at, fetchSome, type Ours, ours, readerOf, TASKS, task } from './kafkajs/worlds.ts';

// TLS and SASL on a real broker. Its certificate is for another name than its address, and sessions of SASL last two
// seconds: whoever does not authenticate again in time is cut off.

const NAME = 'broker.example';
const SESSION_MS = 2000;

let kafka: Kafka;
let secure: KafkaSecure;
beforeAll(async () => {
  kafka = await startKafka({
    secure: true,
    certificateNames: [`DNS:${NAME}`],
    config: { 'connections.max.reauth.ms': String(SESSION_MS) },
  });
  secure = kafka.secure as KafkaSecure;
});
afterAll(() => kafka.stop());

const user = (mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'): SaslOptions => ({
  mechanism,
  username: secure.username,
  password: secure.password,
});
const bearer = (): SaslOptions => ({ mechanism: 'OAUTHBEARER', token: async () => unsecuredToken(Date.now()) });
const tls = () => ({ ca: secure.ca, serverName: NAME });

const WAYS: readonly (readonly [string, () => Partial<KafkaLogOptions>])[] = [
  ['TLS', () => ({ brokers: secure.tls, tls: tls() })],
  ['PLAIN', () => ({ brokers: secure.sasl, sasl: user('PLAIN') })],
  ['PLAIN over TLS', () => ({ brokers: secure.saslTls, tls: tls(), sasl: user('PLAIN') })],
  ['SCRAM-SHA-256', () => ({ brokers: secure.sasl, sasl: user('SCRAM-SHA-256') })],
  ['SCRAM-SHA-256 over TLS', () => ({ brokers: secure.saslTls, tls: tls(), sasl: user('SCRAM-SHA-256') })],
  ['SCRAM-SHA-512', () => ({ brokers: secure.sasl, sasl: user('SCRAM-SHA-512') })],
  ['SCRAM-SHA-512 over TLS', () => ({ brokers: secure.saslTls, tls: tls(), sasl: user('SCRAM-SHA-512') })],
  ['OAUTHBEARER', () => ({ brokers: secure.sasl, sasl: bearer() })],
  ['OAUTHBEARER over TLS', () => ({ brokers: secure.saslTls, tls: tls(), sasl: bearer() })],
];

const open = ({ brokers = [], ...options }: Partial<KafkaLogOptions>) => ours(brokers, options);

/** Appends, reads, a member of a group, and a transaction with its positions. */
async function everything({ log }: Ours): Promise<void> {
  const [offset = 0] = await log.append([task(0, 'appended')]);
  const reader = await readerOf(log, 0, offset);
  expect((await fetchSome(reader))[0]?.records[0]).toMatchObject({ offset });
  await reader.close();
  const member = await log.joinGroup({ group: 'members', topics: [TASKS.name] });
  expect((await member.next())?.partitions).toHaveLength(6);
  const producer = await log.openProducer({ transactionalId: 'task 0' });
  const transaction = await producer.begin();
  await transaction.append([task(1, 'in a transaction')]);
  await transaction.sendOffsets('members', [at(0, offset)]);
  await transaction.commit();
  expect(await log.committed('members', [at(0, 0)])).toEqual([at(0, offset)]);
  await member.close();
  await producer.close();
}

test.each(WAYS)('%s: appends, reads, a group, a transaction', async (_, options) => {
  await using one = await open(options());
  await everything(one);
});

test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)(
  '%s with a wrong password is denied',
  async (mechanism) => {
    const sasl = { mechanism, username: secure.username, password: 'wrong' };
    await expect(open({ brokers: secure.sasl, sasl })).rejects.toMatchObject({
      code: 'LOG_DENIED',
      details: { broker: secure.sasl[0], mechanism },
      message: expect.stringContaining('look at kafka.mechanism and kafka.username and kafka.password'),
    });
  },
);

test('OAUTHBEARER with a token that is over is denied, which kafkajs takes for a success', async () => {
  const oauthBearerProvider = async () => ({ value: unsecuredToken(0) });
  const bare = bareKafka(secure.sasl, {
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider },
    retry: { retries: 0 },
  }).admin();
  await bare.connect();
  await expect(bare.listTopics()).rejects.toThrow();
  await bare.disconnect();
  const sasl: SaslOptions = { mechanism: 'OAUTHBEARER', token: async () => unsecuredToken(0) };
  await expect(open({ brokers: secure.sasl, sasl })).rejects.toMatchObject({
    code: 'LOG_DENIED',
    message: expect.stringContaining('look at kafka.mechanism and the token in kafka.tokenFile'),
  });
});

test.each([
  ['a certificate signed by someone unknown', () => ({ brokers: secure.tls, tls: true as const }), 'set kafka.caFile'],
  ['a certificate of another name', () => ({ brokers: secure.tls, tls: { ca: secure.ca } }), 'set kafka.serverName'],
])('%s is not trusted, and the error says what to do', async (_, options, advice) => {
  await expect(open(options())).rejects.toMatchObject({
    code: 'LOG_UNTRUSTED',
    message: expect.stringContaining(advice),
  });
});

// Likely, because a broker that is stopped hangs up too: tried again, and said as a guess. What a listener says is certain.
const LIKELY = 'LOG_IO';
const CERTAIN = 'LOG_DENIED';
const MECHANISM = 'if its listener is one with SASL, set kafka.mechanism';
const WITH_TLS = 'if its listener is one with TLS, set kafka.tls: true';
const WITHOUT_TLS = 'its listener must be one with TLS: take the port of that one, or set kafka.tls: false';
const WITHOUT_SASL = 'has a listener without SASL: set kafka.mechanism: none';
const foreign = (): SaslOptions => ({
  mechanism: 'GSSAPI' as 'PLAIN',
  username: secure.username,
  password: secure.password,
});

test.each<[string, () => Partial<KafkaLogOptions>, string, string]>([
  ['without SASL, to one with', () => ({ brokers: secure.sasl }), LIKELY, MECHANISM],
  ['TLS without SASL, to one with both', () => ({ brokers: secure.saslTls, tls: tls() }), LIKELY, MECHANISM],
  ['with SASL, to one without', () => ({ brokers: kafka.bootstrap, sasl: user('PLAIN') }), CERTAIN, WITHOUT_SASL],
  [
    'TLS with SASL, to one of TLS alone',
    () => ({ brokers: secure.tls, tls: tls(), sasl: bearer() }),
    CERTAIN,
    WITHOUT_SASL,
  ],
  ['without TLS, to one with', () => ({ brokers: secure.tls }), LIKELY, WITH_TLS],
  ['SASL without TLS, to one with both', () => ({ brokers: secure.saslTls, sasl: user('PLAIN') }), LIKELY, WITH_TLS],
  ['with TLS, to one without', () => ({ brokers: kafka.bootstrap, tls: tls() }), LIKELY, WITHOUT_TLS],
  [
    'SASL with TLS, to one of SASL alone',
    () => ({ brokers: secure.sasl, tls: tls(), sasl: user('PLAIN') }),
    LIKELY,
    WITHOUT_TLS,
  ],
  ['a mechanism that it does not have', () => ({ brokers: secure.sasl, sasl: foreign() }), CERTAIN, 'SCRAM-SHA-512'],
])('a client at the wrong listener is told which setting mends it: %s', async (_, options, code, advice) => {
  await expect(open({ ...options(), operationMaxMs: 300 })).rejects.toMatchObject({
    code,
    message: expect.stringContaining(advice),
  });
});

test('verify: false takes any certificate', async () => {
  await using one = await open({ brokers: secure.tls, tls: { verify: false } });
  await one.log.append([task(0, 'a')]);
});

test.each([
  ['OAUTHBEARER', bearer],
  ['SCRAM-SHA-512', () => user('SCRAM-SHA-512')],
])('%s authenticates again before its session is over, on the connections that there are', async (_, make) => {
  const made = make();
  let tokens = 0;
  const token = async () => {
    tokens++;
    return unsecuredToken(Date.now());
  };
  let sockets = 0;
  await using one = await open({
    brokers: secure.saslTls,
    tls: tls(),
    sasl: made.mechanism === 'OAUTHBEARER' ? { ...made, token } : made,
    socketFactory: (options) => {
      sockets++;
      return plainSockets(options);
    },
  });
  const reader = await readerOf(one.log, 0);
  const work = async () => {
    await Promise.all([0, 1, 2].map((partition) => one.log.append([task(partition, 'a')])));
    await fetchSome(reader);
  };
  await work();
  const before = { sockets, tokens };
  const endMs = systemClock.monotonicMs() + 2.5 * SESSION_MS;
  while (systemClock.monotonicMs() < endMs) {
    await work();
    await systemClock.sleep(50);
  }
  expect(sockets).toBe(before.sockets);
  if (made.mechanism === 'OAUTHBEARER') expect(tokens).toBeGreaterThanOrEqual(before.tokens + 2);
});
