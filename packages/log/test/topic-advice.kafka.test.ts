import { isTidemarkError } from '@tidemark/base';
import { type Kafka, sharedKafka } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { TopicSpec } from '../src/log.ts';
import { type Admin, bareKafka } from './kafkajs/bare.ts';
import { type Ours, ours } from './kafkajs/worlds.ts';

// A topic that somebody else has made, otherwise: what the error says to do is done, by another client, and then it is right.

let kafka: Kafka;
let admin: Admin;
beforeAll(async () => {
  kafka = await sharedKafka();
  admin = bareKafka(kafka.bootstrap).admin();
  await admin.connect();
});
afterAll(async () => {
  await admin.disconnect();
  await kafka.stop();
});

const WANTED: TopicSpec = { name: 'made', partitions: 3, compacted: false, retentionMs: 3_600_000 };
const COMPACTED: TopicSpec = { ...WANTED, compacted: true, retentionMs: 0 };
const RIGHT = { 'retention.ms': '3600000', 'max.message.bytes': '1000000' };

async function make({ topic }: Pick<Ours, 'topic'>, numPartitions: number, settings: Readonly<Record<string, string>>) {
  const configEntries = Object.entries({ ...RIGHT, ...settings }).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false });
}

/** Does what a line of Kafka's own tools would. */
async function carryOut(command: string): Promise<void> {
  const option = (name: string) => command.match(new RegExp(`--${name} ([^ ]+)`))?.[1] ?? '';
  expect(option('bootstrap-server')).toBe(kafka.bootstrap[0]);
  expect(command).toMatch(/^kafka-configs\.sh .*--alter --entity-type topics/);
  const [name = '', value = ''] = option('add-config').split('=');
  // As that tool: the others stay as they are.
  const configEntries = [{ name, value }];
  const resource = { type: 2, name: option('entity-name') };
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
  for (const each of resources[0]?.configEntries ?? []) {
    if (!each.isDefault && each.configName !== name)
      configEntries.push({ name: each.configName, value: each.configValue });
  }
  await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
}

test.each([
  ['a retention that is too short', WANTED, { 'retention.ms': '1000' }],
  ['compaction where all records are wanted', WANTED, { 'cleanup.policy': 'compact' }],
  ['deletion by time where last values are wanted', COMPACTED, { 'cleanup.policy': 'compact,delete' }],
  ['no compaction', COMPACTED, {}],
  ['batches that may be too large', WANTED, { 'max.message.bytes': '100000' }],
  ['too few replicas that must be in sync', WANTED, { 'min.insync.replicas': '1' }],
] as const)('%s: the error names the command that mends it', async (_, spec, settings) => {
  await using one = await ours(kafka.bootstrap, 'min.insync.replicas' in settings ? { minInSyncReplicas: 2 } : {});
  await make({ topic: `${one.namespace}${spec.name}` }, spec.partitions, settings);
  const error = await one.log.ensureTopics([spec]).then(
    () => undefined,
    (each: unknown) => each,
  );
  if (!isTidemarkError(error, 'LOG_TOPIC_MISMATCH')) throw new Error(`not refused but: ${error}`);
  await carryOut(error.message.split('Mend it with: ')[1] ?? '');
  // The broker comes to know it a moment later.
  await vi.waitFor(() => one.log.ensureTopics([spec]), { timeout: 15_000, interval: 50 });
});

test.each([2, 5])(
  '%d partitions where 3 are wanted: the error says what to configure, and with it all is right',
  async (found) => {
    await using one = await ours(kafka.bootstrap);
    await make({ topic: `${one.namespace}${WANTED.name}` }, found, {});
    await expect(one.log.ensureTopics([{ ...WANTED, partitionsSetting: 'log.partitions' }])).rejects.toMatchObject({
      code: 'LOG_TOPIC_MISMATCH',
      message: expect.stringContaining(`Configure log.partitions: ${found}, as the topic has.`),
    });
    await one.log.ensureTopics([{ ...WANTED, partitions: found }]);
  },
);
