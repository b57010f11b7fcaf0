import { expect, test } from 'vitest';
import { serversToFetch } from './servers.mjs';

// What a setup fetches, by what it is for, what is in the cache already and what variables name.

const SERVERS = ['Kafka', 'the schema registry', 'the S3 server'];
const FOR_TESTS = ['Kafka', 'Kafka Streams', 'the schema registry', 'the S3 server', 'a Kafka client for Python'];
const GIVEN = { KAFKA_BROKERS: 'a:1', SCHEMA_REGISTRY_URL: 'http://b', S3_ENDPOINT: 'http://c' };

interface Place {
  readonly forTests: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly cached?: RegExp;
}

const fetched = ({ forTests, env = {}, cached = /^$/ }: Place) =>
  serversToFetch({ forTests, env, isCached: (folder: string) => cached.test(folder) }).map(({ name }) => name);

const cases: readonly [what: string, place: Place, names: readonly string[]][] = [
  ['a bare machine, for tests: everything', { forTests: true }, FOR_TESTS],
  ['a bare machine, for the stack: its servers', { forTests: false }, SERVERS],
  ['tests start servers of their own, whatever variables name', { forTests: true, env: GIVEN }, FOR_TESTS],
  ['the stack uses what variables name', { forTests: false, env: GIVEN }, []],
  ['and no more than that', { forTests: false, env: { S3_ENDPOINT: 'http://c' } }, SERVERS.slice(0, 2)],
  ['an empty variable names nothing', { forTests: false, env: { S3_ENDPOINT: '' } }, SERVERS],
  [
    'what is in the cache stays',
    { forTests: true, cached: /^(kafka|versitygw)-\d/ },
    ['Kafka Streams', 'the schema registry', 'a Kafka client for Python'],
  ],
  ['nothing, when all of it is', { forTests: true, env: GIVEN, cached: /./ }, []],
];
test.each(cases)('%s', (_, place, names) => {
  expect(fetched(place)).toEqual(names);
});
