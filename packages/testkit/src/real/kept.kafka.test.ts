import { expect, test } from 'vitest';
import { startKafka } from './kafka/kafka.ts';
import { startSchemaRegistry } from './schema-registry.ts';
import { tempFolder } from './temp-folder.ts';

test('a broker with a folder of its own keeps what a registry wrote there', async () => {
  await using folder = await tempFolder('kept');
  const schema = '{"type":"record","name":"Kept","fields":[{"name":"a","type":"int"}]}';
  const start = async () => {
    const kafka = await startKafka({ folder: folder.path });
    const registry = await startSchemaRegistry({ brokers: kafka.bootstrap.join(',') });
    return { kafka, registry };
  };
  const first = await start();
  const registered = await fetch(`${first.registry.url}/subjects/kept-value/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  });
  expect(registered.status).toBe(200);
  const { id } = (await registered.json()) as { id: number };
  await first.registry.stop();
  await first.kafka.stop();

  const second = await start();
  try {
    const found = await fetch(`${second.registry.url}/schemas/ids/${id}`);
    expect(((await found.json()) as { schema: string }).schema).toBe(schema);
  } finally {
    await second.registry.stop();
    await second.kafka.stop();
  }
});
