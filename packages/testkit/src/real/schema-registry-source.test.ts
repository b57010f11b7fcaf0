import { expect, test } from 'vitest';
import { chooseRegistry, type RegistrySurroundings } from './schema-registry-source.ts';

const BARE: RegistrySurroundings = { urlVariable: undefined, dockerAnswers: false, jar: undefined, java: false };
const JAR = { ...BARE, jar: '/cache/registry/runner.jar', java: true };
const ADDRESS = 'http://registry:8081';

const cases: readonly [what: string, own: boolean, where: Partial<RegistrySurroundings>, kind: string][] = [
  ['SCHEMA_REGISTRY_URL before all else', false, { urlVariable: ADDRESS, dockerAnswers: true }, 'given'],
  ['a container where Docker answers', false, { dockerAnswers: true }, 'container'],
  [
    'and neither jar nor Java is needed for it',
    false,
    { dockerAnswers: true, jar: undefined, java: false },
    'container',
  ],
  ['the jar otherwise', false, {}, 'jar'],
  ['an empty variable is none', false, { urlVariable: '' }, 'jar'],
  ['one to kill is never one that was given', true, { urlVariable: ADDRESS }, 'jar'],
  ['nor one in a container', true, { dockerAnswers: true }, 'jar'],
];
test.each(cases)('%s', (_, own, where, kind) => {
  expect(chooseRegistry(own, { ...JAR, ...where }).kind).toBe(kind);
});

test('it comes with its address, or with what starts it', () => {
  expect(chooseRegistry(false, { ...BARE, urlVariable: ADDRESS })).toEqual({ kind: 'given', url: ADDRESS });
  expect(chooseRegistry(false, JAR)).toEqual({ kind: 'jar', jar: JAR.jar });
});

test('none at all is an error that says how to get one', () => {
  expect(() => chooseRegistry(false, BARE)).toThrow(/not in the cache.*setup\.mjs --test.*or set SCHEMA_REGISTRY_URL/);
  expect(() => chooseRegistry(false, { ...JAR, java: false })).toThrow(/no java on PATH.*or set SCHEMA_REGISTRY_URL/);
  const given = { ...BARE, urlVariable: ADDRESS, dockerAnswers: true };
  expect(() => chooseRegistry(true, given)).toThrow(/not in the cache.*Java 17$/);
});
