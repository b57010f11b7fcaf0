import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROLES } from '../packages/server/src/config/schema.ts';
import { readDockerfile } from '../scripts/lib/image/dockerfile.ts';
import { COMPOSE, problemsBySpecification } from './compose-shape.ts';
import { problemsOf, settingsOf } from './settings.ts';

// The compose files against the Compose Specification and our own rules; there may be no engine to ask.

const FILES = ['compose.yaml', 'compose.kafka.yaml'];
const read = (file: string) => parse(readFileSync(join(import.meta.dirname, file), 'utf8'), { merge: true });
const compose = read('compose.yaml');

test.each(FILES)('%s has the shape the specification asks for', (file) => {
  expect(COMPOSE(read(file))).toBeUndefined();
  expect(problemsBySpecification(read(file))).toEqual([]);
});

test('and the specification sees what it has no key for', () => {
  const broken = structuredClone(compose);
  broken.services.grafana.port = [];
  expect(problemsBySpecification(broken)).toEqual(['/services/grafana: must NOT have additional properties']);
});

test.each<[string, (broken: typeof compose) => void, string]>([
  [
    'an unknown key',
    (broken) => {
      broken.services.grafana.port = [];
    },
    'services: grafana: port: is no key that is known here',
  ],
  [
    'a port for everyone',
    (broken) => {
      broken.services.grafana.ports = ['3000:3000'];
    },
    'services: grafana: ports: 0: must be 127.0.0.1:HOST:CONTAINER, which no other machine reaches',
  ],
  [
    'a boolean variable',
    (broken) => {
      broken.services.tidemark.environment.X = false;
    },
    'services: tidemark: environment: X: must be a text',
  ],
  [
    'a condition',
    (broken) => {
      broken.services.grafana.depends_on.tidemark.condition = 'up';
    },
    'services: grafana: depends_on: tidemark: condition: must be one of service_started, service_healthy, service_completed_successfully',
  ],
  [
    'an image without tag',
    (broken) => {
      broken.services.grafana.image = 'grafana';
    },
    'services: grafana: image: must be an image with its tag',
  ],
])('and the checks see %s', (_caption, breakIt, problem) => {
  const broken = structuredClone(compose);
  breakIt(broken);
  expect(COMPOSE(broken)).toBe(problem);
});

const here = (path: string) => existsSync(join(import.meta.dirname, path));

test.each(FILES)('what %s names is there: files, volumes, services', (file) => {
  const compose = read(file);
  for (const [name, service] of Object.entries<Record<string, never>>(compose.services)) {
    for (const volume of (service['volumes'] ?? []) as string[]) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('.')) expect(here(source), `${name}: ${source}`).toBe(true);
      else if (!source.startsWith('/')) expect(Object.keys(compose.volumes), name).toContain(source);
    }
    for (const other of Object.keys(service['depends_on'] ?? {}))
      expect(Object.keys(compose.services)).toContain(other);
  }
});

test('the health check that Grafana waits for is there, and the volume is where the image keeps its data', () => {
  const { context, dockerfile } = compose.services.tidemark.build;
  expect(here(join(context, dockerfile))).toBe(true);
  const image = readDockerfile(readFileSync(join(import.meta.dirname, context, dockerfile), 'utf8')).at(-1);
  expect(image?.steps.some(({ kind }) => kind === 'HEALTHCHECK')).toBe(true);
  const volumes = image?.steps.find(({ kind }) => kind === 'VOLUME');
  expect(compose.services.tidemark.volumes).toContain(
    `tidemark-data:${volumes && 'values' in volumes ? volumes.values[0] : ''}`,
  );
});

test.each(['tidemark.yaml', 'kafka/tidemark.yaml'])('%s and the rules it names are sound', async (file) => {
  const checked = await runTidemark(['check', 'config', file], { cwd: import.meta.dirname });
  expect(checked).toMatchObject({ code: 0, stderr: '' });
  for (const rules of ['host.yaml', 'tidemark.yaml'])
    expect(checked.stdout).toContain(`rules/${rules}: 4 rules in 1 groups`);
});

/** What each Tidemark of compose.kafka.yaml is told by variables. */
const told = Object.entries<Record<string, never>>(read('compose.kafka.yaml').services).flatMap(
  ([name, { environment }]) =>
    environment?.['TIDEMARK_ROLES'] === undefined ? [] : [{ name, env: environment as Record<string, string> }],
);
const byRole = readFileSync(join(import.meta.dirname, 'kafka', 'tidemark.yaml'), 'utf8');

test('by role: every role runs, the stores of each zone own everything once, and all are asked', () => {
  const running = told.map(({ name, env }) => ({ name, ...settingsOf({ yaml: byRole, env }) }));
  const once = ROLES.filter((role) => !['query', 'store', 'ui'].includes(role));
  for (const role of once) expect(running.filter(({ roles }) => roles.includes(role)).length, role).toBe(1);
  const stores = running.filter(({ roles }) => roles.includes('store'));
  for (const zone of ['a', 'b']) {
    const own = stores.filter(({ store }) => store.zone === zone).map(({ store }) => store);
    expect(own.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: own[0]?.replicas ?? 0 }, (_, i) => i));
    for (const { replicas } of own) expect(replicas).toBe(own.length);
  }
  const readers = running.filter(({ roles }) => roles.includes('query') || roles.includes('rules'));
  expect(readers.map(({ name }) => name)).toEqual(['query', 'alerts']);
  for (const { query } of readers) expect(query.stores).toEqual(stores.map(({ name }) => `http://${name}:9470`));
});

test('by role: tidemark takes what every service is told', () => {
  expect(told.length).toBeGreaterThan(8);
  for (const { name, env } of told) expect(problemsOf({ yaml: byRole, env }), name).toEqual([]);
});

test.each<[string, Record<string, string>, string]>([
  ['a role', { TIDEMARK_ROLES: 'storer' }, 'TIDEMARK_ROLES: roles.0: there is no storer; did you mean store?'],
  [
    'a variable',
    { TIDEMARK_STORE_ORDINALS: '1' },
    'TIDEMARK_STORE_ORDINALS is no setting and does nothing; did you mean TIDEMARK_STORE_ORDINAL?',
  ],
  [
    'what its roles cannot do',
    { TIDEMARK_KAFKA_BROKERS: '[]' },
    'log.kind: kafka needs brokers to ask; name some in kafka.brokers',
  ],
])('and the check sees %s', (_caption, env, problem) => {
  expect(problemsOf({ yaml: byRole, env })).toEqual([problem]);
});

test('by role: the servers are those the tests run against', () => {
  const tested = JSON.parse(
    readFileSync(join(import.meta.dirname, '../packages/testkit/src/real/servers.json'), 'utf8'),
  );
  const { kafka, registry, s3 } = read('compose.kafka.yaml').services;
  expect(kafka.image).toBe(tested.kafka.image);
  expect(registry.image).toBe(tested.schemaRegistry.image);
  expect(s3.image).toBe(`versity/versitygw:v${tested.s3.version}`);
});

test('each file says first what it is', () => {
  for (const file of [
    ...FILES,
    'Dockerfile',
    'kafka/tidemark.yaml',
    'kafka/datasources.yaml',
    'tidemark.yaml',
    'rules/host.yaml',
    'rules/tidemark.yaml',
    'grafana/provisioning/datasources/tidemark.yaml',
    'grafana/provisioning/dashboards/tidemark.yaml',
  ]) {
    expect(readFileSync(join(import.meta.dirname, file), 'utf8'), file).toMatch(/^# \S/);
  }
});
