import { expect, test, vi } from 'vitest';
import { clusterMetadata } from './kafka/metadata.ts';
import { startSchemaRegistry } from './schema-registry.ts';
import { holdSharedServers, sharedKafka, sharedSchemaRegistry } from './shared.ts';

test('files that ask for the shared broker get the same one, and it is not theirs to kill', async () => {
  const kafkas = await Promise.all([sharedKafka(), sharedKafka()]);
  const [one, two] = kafkas.map(({ bootstrap }) => bootstrap);
  expect(one).toEqual(two);
  await kafkas[0]?.stop();
  const [host = '', port = ''] = one?.[0]?.split(':') ?? [];
  expect((await clusterMetadata(host, Number(port))).brokers).not.toEqual([]);
  await expect(kafkas[1]?.kill9(0)).rejects.toThrow('startKafka({ own: true })');
});

test('the shared registry keeps a schema under an id', async () => {
  const { url } = await sharedSchemaRegistry();
  const register = await fetch(`${url}/subjects/servers-test-value/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: '{"type":"record","name":"T","fields":[{"name":"a","type":"int"}]}' }),
  });
  expect(register.status).toBe(200);
  const { id } = (await register.json()) as { id: number };
  const schema = (await (await fetch(`${url}/schemas/ids/${id}`)).json()) as { schema: string };
  expect(JSON.parse(schema.schema)).toMatchObject({ name: 'T' });
});

test('a registry of one’s own can be killed', async () => {
  await using registry = await startSchemaRegistry({ own: true });
  await registry.process?.kill9();
  await expect(fetch(`${registry.url}/subjects`)).rejects.toThrow();
});

test('a shared server that cannot be had fails the file that asks, with the reason', async () => {
  vi.stubEnv('KAFKA_BROKERS', 'no port');
  const release = await holdSharedServers();
  try {
    await expect(sharedKafka()).rejects.toThrow(/could not be started: KAFKA_BROKERS is host:port/);
  } finally {
    await release();
  }
});
