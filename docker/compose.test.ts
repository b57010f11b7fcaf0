import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readDockerfile } from '../scripts/lib/image/dockerfile.ts';

// compose.yaml against what the Compose Specification says of the keys it uses; there may be no engine to ask.

type Check = (value: unknown) => string | undefined;

const text: Check = (value) => (typeof value === 'string' && value !== '' ? undefined : 'must be a text');
const oneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(String(value)) ? undefined : `must be one of ${words.join(', ')}`;
const matching =
  (pattern: RegExp, what: string): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value) ? undefined : `must be ${what}`;
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) ? firstProblem(value.map((one, i) => [String(i), check(one)])) : 'must be a list';
const mapOf =
  (check: Check, name = /^\S+$/): Check =>
  (value) =>
    isMap(value)
      ? firstProblem(Object.entries(value).map(([key, one]) => [key, name.test(key) ? check(one) : 'is no valid name']))
      : 'must be a mapping';
const shape =
  (fields: Readonly<Record<string, Check>>, required: readonly string[] = []): Check =>
  (value) => {
    if (!isMap(value)) return 'must be a mapping';
    const missing = required.find((key) => value[key] === undefined);
    if (missing !== undefined) return `needs ${missing}`;
    return firstProblem(
      Object.entries(value).map(([key, one]) => [
        key,
        fields[key]?.(one) ?? (fields[key] ? undefined : 'is no key that is known here'),
      ]),
    );
  };
const nothing: Check = (value) => (value === null ? undefined : 'must be empty');

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstProblem(found: readonly (readonly [string, string | undefined])[]): string | undefined {
  const problem = found.find(([, what]) => what !== undefined);
  return problem && `${problem[0]}: ${problem[1]}`;
}

const duration = matching(/^(\d+h)?(\d+m)?(\d+s)?$/, 'a duration');
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;

const SERVICE = shape({
  build: shape({ context: text, dockerfile: text }, ['context']),
  image: matching(/^[a-z0-9./-]+:[\w.-]+$/, 'an image with its tag'),
  command: listOf(text),
  // A number or boolean without quotes would be YAML's, not the program's.
  environment: mapOf(text, /^[A-Z][A-Z0-9_]*$/),
  volumes: listOf(matching(/^(\.{0,2}\/[^:]*|[a-z0-9_-]+):\/[^:]*(:(ro|rw)(,rslave)?)?$/, 'SOURCE:TARGET[:ro]')),
  ports: listOf(matching(/^127\.0\.0\.1:\d{1,5}:\d{1,5}$/, '127.0.0.1:HOST:CONTAINER, which no other machine reaches')),
  depends_on: mapOf(
    shape({ condition: oneOf('service_started', 'service_healthy', 'service_completed_successfully') }, ['condition']),
  ),
  stop_grace_period: duration,
  restart: oneOf('no', 'always', 'on-failure', 'unless-stopped'),
  cap_drop: listOf(text),
  security_opt: listOf(text),
  pid: oneOf('host'),
});

const COMPOSE = shape(
  {
    name: matching(/^[a-z0-9][a-z0-9_-]*$/, 'a project name'),
    services: mapOf(SERVICE, NAME),
    volumes: mapOf(nothing, NAME),
  },
  ['services'],
);

const written = readFileSync(join(import.meta.dirname, 'compose.yaml'), 'utf8');
const compose = parse(written);

test('compose.yaml has the shape the specification asks for', () => {
  expect(COMPOSE(compose)).toBeUndefined();
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

test('what it names is there: files, volumes, services, the health check that is waited for', () => {
  const here = (path: string) => existsSync(join(import.meta.dirname, path));
  for (const [name, service] of Object.entries<Record<string, never>>(compose.services)) {
    for (const volume of (service['volumes'] ?? []) as string[]) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('.')) expect(here(source), `${name}: ${source}`).toBe(true);
      else if (!source.startsWith('/')) expect(Object.keys(compose.volumes), name).toContain(source);
    }
    for (const other of Object.keys(service['depends_on'] ?? {}))
      expect(Object.keys(compose.services)).toContain(other);
  }
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

test('each file says first what it is', () => {
  for (const file of [
    'compose.yaml',
    'Dockerfile',
    'tidemark.yaml',
    'rules/host.yaml',
    'rules/tidemark.yaml',
    'grafana/provisioning/datasources/tidemark.yaml',
    'grafana/provisioning/dashboards/tidemark.yaml',
  ]) {
    expect(readFileSync(join(import.meta.dirname, file), 'utf8'), file).toMatch(/^# \S/);
  }
});
