import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readDockerfile } from '../scripts/lib/image/dockerfile.ts';
import { COMPOSE, problemsBySpecification } from './compose-shape.ts';

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

test('tidemark.yaml and the rules it names are sound', async () => {
  const checked = await runTidemark(['check', 'config', 'tidemark.yaml'], { cwd: import.meta.dirname });
  expect(checked).toMatchObject({ code: 0, stderr: '' });
  for (const file of ['host.yaml', 'tidemark.yaml'])
    expect(checked.stdout).toContain(`rules/${file}: 4 rules in 1 groups`);
});

test('by role: every role runs, storers are as many as the settings say and all are asked', () => {
  const services = Object.entries<Record<string, never>>(read('compose.kafka.yaml').services);
  const settings = parse(readFileSync(join(import.meta.dirname, 'kafka', 'tidemark.yaml'), 'utf8'));
  const environments = services.map(([name, { environment }]) => ({ name, env: environment ?? ({} as never) }));
  const roles = environments.flatMap(({ env }) => (env['TIDEMARK_ROLES'] as string | undefined)?.split(',') ?? []);
  const all = ['collect', 'ingest', 'notify', 'query', 'repartition', 'rollup', 'rules', 'store', 'ui'];
  expect([...new Set(roles)].sort()).toEqual(all);
  const storers = environments.filter(({ env }) => env['TIDEMARK_ROLES'] === 'store');
  for (const zone of ['a', 'b']) {
    const ordinals = storers
      .filter(({ env }) => env['TIDEMARK_STORE_ZONE'] === zone)
      .map(({ env }) => env['TIDEMARK_STORE_ORDINAL']);
    expect(ordinals, zone).toEqual(Array.from({ length: settings.store.replicas }, (_, i) => String(i)));
  }
  expect(settings.query.stores).toEqual(storers.map(({ name }) => `http://${name}:9470`));
});

test('by role: tidemark takes the settings of every service', async () => {
  const services = Object.values<Record<string, never>>(read('compose.kafka.yaml').services);
  for (const { environment } of services) {
    if (environment?.['TIDEMARK_ROLES'] === undefined) continue;
    const checked = await runTidemark(['check', 'config', 'kafka/tidemark.yaml'], {
      cwd: import.meta.dirname,
      env: environment,
    });
    expect(checked, environment['TIDEMARK_ROLES']).toMatchObject({ code: 0, stderr: '' });
  }
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
