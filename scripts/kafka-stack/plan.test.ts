import { TOPIC_INTENTS } from '@tidemark/model';
import { expect, test } from 'vitest';
import { problemsOf, settingsOf } from '../../docker/settings.ts';
import { ROLES } from '../../packages/server/src/config/schema.ts';
import { environmentOf, LISTENERS, MEMBERS, PARTITIONS, type Place, type Servers } from './plan.ts';

const servers: Servers = {
  brokers: '127.0.0.1:9481',
  registryUrl: 'http://127.0.0.1:9482/apis/ccompat/v7',
  s3: {
    endpoint: 'http://127.0.0.1:9483',
    region: 'us-east-1',
    bucket: 'tidemark',
    accessKeyId: 'key',
    secretAccessKey: 'secret',
  },
};
const ports = new Map(LISTENERS.map((name, i) => [name as string, 9470 + i]));
const place: Place = { folder: '/somewhere', ports, config: undefined, rules: '/rules/tidemark.yaml' };
const told = MEMBERS.map((member) => ({ name: member.name, env: environmentOf(member, servers, place) }));
const settings = told.map(({ name, env }) => ({ name, ...settingsOf({ yaml: '', env }) }));

test.each(told)('tidemark takes what $name is told', ({ env }) => {
  expect(problemsOf({ yaml: '', env })).toEqual([]);
});

test('every role is somewhere, and but for stores once', () => {
  const roles = settings.flatMap((each) => each.roles).filter((role) => role !== 'store');
  expect(roles.sort()).toEqual(ROLES.filter((role) => role !== 'store').sort());
});

test('the stores of each zone have every partition once', () => {
  for (const zone of ['a', 'b']) {
    const stores = settings.filter(({ roles, store }) => roles.includes('store') && store.zone === zone);
    const owned = Array.from({ length: PARTITIONS }, (_, partition) =>
      stores.filter(({ store }) => partition % store.replicas === store.ordinal).map(({ name }) => name),
    );
    expect(owned.map(({ length }) => length)).toEqual([1, 1, 1, 1]);
    expect(new Set(owned.flat()).size).toBe(stores.length);
  }
});

test('who reads asks all stores, under the addresses they listen on', () => {
  const stores = settings.filter(({ roles }) => roles.includes('store'));
  const readers = settings.filter(({ roles }) => roles.includes('query') || roles.includes('rules'));
  expect(readers.map(({ name }) => name)).toEqual(['query', 'rules']);
  for (const { query } of readers) expect(query.stores).toEqual(stores.map(({ http }) => `http://${http.listen}`));
});

test('each has a port and a folder of its own', () => {
  expect(new Set(settings.map(({ http }) => http.listen)).size).toBe(MEMBERS.length);
  expect(new Set(settings.map(({ data }) => data)).size).toBe(MEMBERS.length);
});

test('all are scraped, until a file of the user says what is', () => {
  const collect = settings.find(({ name }) => name === 'collect') as (typeof settings)[number];
  const [job] = collect.scrape.configs as { static_configs: { targets: string[] }[] }[];
  expect(job?.static_configs.flatMap(({ targets }) => targets)).toEqual(settings.map(({ http }) => http.listen));
  const own = environmentOf(MEMBERS[0] as never, servers, { ...place, config: '/somewhere/tidemark.yaml' });
  expect(own).toMatchObject({ TIDEMARK_CONFIG: '/somewhere/tidemark.yaml' });
  expect(Object.keys(own).filter((name) => /SCRAPE|RULES|COLLECTOR/.test(name))).toEqual([]);
});

test('topics that they read and write are topics of Tidemark', () => {
  const known: readonly string[] = TOPIC_INTENTS.map(({ role }) => role);
  for (const { reads, writes } of MEMBERS) expect(known).toEqual(expect.arrayContaining([...reads, ...writes]));
});
