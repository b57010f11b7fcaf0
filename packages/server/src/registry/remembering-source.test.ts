import { SimClock, silentLogger, TidemarkError } from '@tidemark/base';
import { SimLog } from '@tidemark/log/sim';
import { SAMPLE_SCHEMA, type SchemaSource } from '@tidemark/model';
import { expect, test } from 'vitest';
import { EmbeddedRegistry } from './embedded-registry.ts';
import { RememberingSource } from './remembering-source.ts';

const TOPIC = 'tidemark.config';
const URL_A = 'http://a:8081';

async function openLog(): Promise<SimLog> {
  const log = new SimLog({ clock: new SimClock() });
  await log.ensureTopics([{ name: TOPIC, partitions: 1, compacted: true, retentionMs: 0 }]);
  return log;
}

function registryOf(schemas: Record<number, string>): SchemaSource & { asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    async byId(id) {
      asked.push(id);
      const schema = schemas[id];
      if (schema === undefined) throw new TidemarkError('REGISTRY_UNREACHABLE', 'away');
      return schema;
    },
    register: async () => 1,
  };
}

const open = (log: SimLog, registry: SchemaSource, url = URL_A) =>
  RememberingSource.open({ registry, url, log, topic: TOPIC, logger: silentLogger });

test('what a registry gave once is known after a restart, while it is away', async () => {
  const log = await openLog();
  await (await open(log, registryOf({ 5: SAMPLE_SCHEMA }))).byId(5);
  const away = registryOf({});
  expect(await (await open(log, away)).byId(5)).toBe(SAMPLE_SCHEMA);
  expect(away.asked).toEqual([]);
});

test('ids of another registry are others', async () => {
  const log = await openLog();
  await (await open(log, registryOf({ 5: SAMPLE_SCHEMA }))).byId(5);
  await expect((await open(log, registryOf({}), 'http://b:8081')).byId(5)).rejects.toThrow('away');
});

test('what no sample can be read by is not remembered', async () => {
  const log = await openLog();
  const first = await open(log, registryOf({ 5: '<html>' }));
  await expect(first.byId(5)).rejects.toThrow(/no JSON/);
  expect(await (await open(log, registryOf({ 5: SAMPLE_SCHEMA }))).byId(5)).toBe(SAMPLE_SCHEMA);
});

test('a log that does not take it is no reason to wait', async () => {
  const log = await openLog();
  const source = await open(log, registryOf({ 5: SAMPLE_SCHEMA }));
  log.faults.failNextAppend({ when: 'before' });
  expect(await source.byId(5)).toBe(SAMPLE_SCHEMA);
});

test('without a registry ids are given out here, the same schema once', async () => {
  const log = await openLog();
  const registry = await EmbeddedRegistry.open(log, TOPIC);
  const id = await registry.register('s', SAMPLE_SCHEMA, 'FULL_TRANSITIVE');
  const other = await registry.register('t', '"string"', 'FULL_TRANSITIVE');
  expect([id, other, await registry.register('s', SAMPLE_SCHEMA, 'FULL_TRANSITIVE')]).toEqual([1000, 1001, 1000]);
  const again = await EmbeddedRegistry.open(log, TOPIC);
  expect(JSON.parse(await again.byId(id))).toEqual(JSON.parse(SAMPLE_SCHEMA));
  await expect(again.byId(4)).rejects.toThrow(/no schema 4 in tidemark.config/);
});
