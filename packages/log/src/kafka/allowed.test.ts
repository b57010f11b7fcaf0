import { expect, test } from 'vitest';
import { type AskedClient, type KafkaRights, mustBeAllowed } from './allowed.ts';
import { BrokerFault, kafkaError } from './broker-fault.ts';
import type { Authorized } from './protocol/authorized-operations.ts';

const RIGHTS: KafkaRights = {
  topics: { raw: ['Read', 'Write'], '1m': ['Write'], config: ['Write'] },
  groups: { storer: ['Read'], reader: ['Delete'] },
};
const READ = 1 << 3;
const WRITE = 1 << 4;
const DELETE = 1 << 6;
const DENIED_TOPIC = 29;
const DENIED_GROUP = 30;
const UNKNOWN_TOPIC = 3;
const LEADER_NOT_AVAILABLE = 5;
const AWAY = 15;
/** What a broker says that does not say. */
const UNSAID = -(2 ** 31);

type Answers = Readonly<Record<string, Partial<Omit<Authorized, 'name'>>>>;

/** Brokers that answer so; what is not here is allowed whole. */
function client(answers: Answers): AskedClient {
  const answerOf = (name: string): Authorized => ({
    name,
    error: 0,
    operations: READ | WRITE | DELETE,
    ...answers[name],
  });
  return {
    names: { toBroker: (name) => `ns.${name}`, fromBroker: (name) => name.slice(3) },
    asker: { bootstrap: 'broker:9092', principal: 'me', toBroker: (name) => `ns.${name}` },
    retrying: async (doing, work) => {
      try {
        return await work();
      } catch (error) {
        throw kafkaError(error, doing);
      }
    },
    sendToAny: async () =>
      ({ throttleMs: 0, topics: Object.keys(RIGHTS.topics).map((topic) => answerOf(`ns.${topic}`)) }) as never,
    sendToCoordinator: async (_kind, group, _request, verdictOf) => {
      const answer = { throttleMs: 0, groups: [answerOf(`ns.${group}`)] } as never;
      const verdict = verdictOf(answer);
      if (verdict !== 0) throw new BrokerFault(verdict as number, 'DescribeGroups');
      return answer;
    },
  };
}

const GRANT = 'kafka-acls.sh --bootstrap-server broker:9092 --add --allow-principal User:me';

test.each<[string, Answers, string | undefined]>([
  ['everything is allowed', {}, undefined],
  [
    'what lacks the same is told together',
    { 'ns.1m': { operations: READ }, 'ns.config': { operations: READ } },
    `Write on topic ns.1m, ns.config. Grant it with: ${GRANT} --operation Write --topic ns.1m --topic ns.config`,
  ],
  [
    'of what may not be seen everything is lacking',
    { 'ns.raw': { error: DENIED_TOPIC, operations: UNSAID }, 'ns.storer': { error: DENIED_GROUP } },
    `Read and Write on topic ns.raw; Read on group ns.storer. Grant it with: ${GRANT} --operation Read --operation Write --topic ns.raw && ${GRANT} --operation Read --group ns.storer`,
  ],
  [
    'a topic that is not there lacks nothing yet',
    { 'ns.raw': { error: UNKNOWN_TOPIC, operations: UNSAID } },
    undefined,
  ],
  [
    'a broker that does not say is believed to allow it',
    { 'ns.raw': { operations: UNSAID }, 'ns.storer': { operations: UNSAID } },
    undefined,
  ],
  [
    'an error that is no denial denies nothing',
    { 'ns.raw': { error: LEADER_NOT_AVAILABLE, operations: UNSAID } },
    undefined,
  ],
  ['a group whose coordinator is away is asked about by whoever uses it', { 'ns.storer': { error: AWAY } }, undefined],
])('%s', async (_, answers, lacking) => {
  const asked = mustBeAllowed(client(answers), RIGHTS);
  if (lacking === undefined) await asked;
  else
    await expect(asked).rejects.toMatchObject({
      code: 'LOG_DENIED',
      message: `the brokers' ACLs deny User:me ${lacking}`,
    });
});
