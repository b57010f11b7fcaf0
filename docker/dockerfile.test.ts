import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readDockerfile, type Step } from '../scripts/lib/image/dockerfile.ts';
import { isIgnored, readIgnore } from '../scripts/lib/image/try-image.ts';

const text = readFileSync(new URL('Dockerfile', import.meta.url), 'utf8');
const start = readFileSync(new URL('../scripts/tidemark.mjs', import.meta.url), 'utf8');

function last<K extends Step['kind']>(kind: K): Extract<Step, { kind: K }> {
  const step = readDockerfile(text)
    .at(-1)
    ?.steps.find((one) => one.kind === kind);
  if (step === undefined) throw new Error(`the image has no ${kind}`);
  return step as Extract<Step, { kind: K }>;
}

test('the image: no root, no shell in between, a volume, a health check, the port that listens', () => {
  expect(last('USER').value).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  expect(last('ENTRYPOINT').command.form).toBe('exec');
  expect(last('CMD').command).toEqual({ form: 'exec', words: ['serve'] });
  expect(last('HEALTHCHECK').command.form).toBe('exec');
  const { TIDEMARK_DATA, TIDEMARK_HTTP_LISTEN } = last('ENV').pairs;
  expect(last('VOLUME').values).toEqual([TIDEMARK_DATA]);
  expect(last('EXPOSE').values).toEqual([TIDEMARK_HTTP_LISTEN?.split(':')[1]]);
  expect(last('STOPSIGNAL').value).toBe('SIGTERM');
});

test('the image starts Node as `npm start` does', () => {
  const flags = [...start.matchAll(/'(--(?:max-semi-space|initial-old-space)-size=\d+)'/g)].map(([, flag]) => flag);
  expect(flags).toHaveLength(2);
  expect(last('ENTRYPOINT').command.words.slice(1, -1)).toEqual(flags);
  const malloc = Object.fromEntries(
    [...start.matchAll(/(MALLOC_\w+): '(\d+)'/g)].map(([, name, value]) => [name as string, value]),
  );
  expect(Object.keys(malloc)).toHaveLength(2);
  expect(last('ENV').pairs).toMatchObject(malloc);
});

test('a Dockerfile is read as Docker reads it', () => {
  const stages = readDockerfile(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of Docker, not of this file.
    'ARG N=node:1\n# no\nFROM ${N} AS a\nRUN x && \\\n  # said between\n  y\nFROM ${N}\nCOPY --from=a --chown=1:2 /p /q\nENV A=1 B="two words"\nCMD run it\n',
  );
  expect(stages.map(({ name, from }) => [name, from])).toEqual([
    ['a', 'node:1'],
    ['1', 'node:1'],
  ]);
  expect(stages[0]?.steps).toEqual([{ kind: 'RUN', line: 4, command: 'x && y' }]);
  expect(stages[1]?.steps).toEqual([
    { kind: 'COPY', line: 8, from: 'a', chown: '1:2', sources: ['/p'], target: '/q' },
    { kind: 'ENV', line: 9, pairs: { A: '1', B: 'two words' } },
    { kind: 'CMD', line: 10, command: { form: 'shell', words: ['/bin/sh', '-c', 'run it'] } },
  ]);
});

test.each([
  ['RUN x', 'Dockerfile:1: RUN before FROM'],
  ['FROM a\n\nSHELL ["x"]', 'Dockerfile:3: the instruction SHELL is not known here'],
  ['FROM a\nCOPY --from=b /x /y', 'Dockerfile:2: there is no stage b before this one'],
  ['FROM a\nCOPY x y z', 'Dockerfile:2: COPY of several sources needs a target that ends with /'],
  ["FROM a\nCMD ['x']", 'Dockerfile:2: the list in brackets is no JSON'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as above.
  ['FROM ${X}', 'Dockerfile:1: there is no ARG X'],
  ['FROM a\nRUN x \\', 'Dockerfile:2: the last line goes on'],
  ['FROM a\nENV A b', 'Dockerfile:2: NAME=VALUE'],
])('refused: %j', (written, message) => {
  expect(() => readDockerfile(written)).toThrow(message);
});

test('the ignore file keeps installed, built and stored things away', () => {
  const ignore = readIgnore(readFileSync(new URL('Dockerfile.dockerignore', import.meta.url), 'utf8'));
  const kept = (path: string) => !isIgnored(path, ignore);
  expect(
    ['node_modules/a', 'packages/log/node_modules/b/c.js', 'packages/log/dist/a.js', '.git/HEAD', 'data/log/1'].filter(
      kept,
    ),
  ).toEqual([]);
  expect(
    ['package.json', 'packages/log/src/a.ts', 'docker/assemble.mjs', 'packages/model/avro/x.avsc'].filter(kept),
  ).toHaveLength(4);
});
