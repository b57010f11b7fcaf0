import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { parseConfig } from '../config/load.ts';
import { kafkaOptions } from './kafka-options.ts';

const settings = (text: string) =>
  parseConfig(`kafka:\n  brokers: [a:9092]\n${text}`, 'x.yaml', { env: {} }).config.kafka;

test('brokers alone are enough', async () => {
  expect(await kafkaOptions(settings(''))).toEqual({
    brokers: ['a:9092'],
    clientId: 'tidemark',
    namespace: '',
    sessionMaxMs: 45_000,
  });
});

test('everything else reaches the log; files are read', async () => {
  await using folder = await tempFolder('kafka-options');
  const [ca, token] = [join(folder.path, 'ca.pem'), join(folder.path, 'token')];
  await writeFile(ca, 'a certificate');
  await writeFile(token, 'first\n');
  const plain = await kafkaOptions(
    settings(
      `  tls: true\n  caFile: ${ca}\n  mechanism: SCRAM-SHA-512\n  username: u\n  password: p\n  replicationFactor: 3\n  minInSyncReplicas: 2\n`,
    ),
  );
  expect(plain).toMatchObject({
    tls: { ca: 'a certificate', verify: true },
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'p' },
    replicationFactor: 3,
    minInSyncReplicas: 2,
  });
  const { sasl } = await kafkaOptions(settings(`  mechanism: OAUTHBEARER\n  tokenFile: ${token}\n`));
  if (sasl?.mechanism !== 'OAUTHBEARER') return expect.unreachable('another mechanism');
  expect(await sasl.token()).toBe('first');
  await writeFile(token, 'second\n');
  expect(await sasl.token()).toBe('second');
});

test.each([
  ['  mechanism: PLAIN\n', /kafka.username is needed/],
  ['  mechanism: OAUTHBEARER\n', /kafka.tokenFile is needed/],
  ['  caFile: /x\n', /kafka.caFile means nothing without kafka.tls: true/],
  ['  tls: true\n  certFile: /x\n', /go together/],
  ['  tls: true\n  caFile: /nowhere/ca.pem\n', /kafka.caFile: \/nowhere\/ca.pem cannot be read/],
])('%j is refused', async (text, message) => {
  await expect(kafkaOptions(settings(text))).rejects.toThrow(message);
});
