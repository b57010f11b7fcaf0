import { basename, dirname } from 'node:path';
import { expect, test } from 'vitest';
import { filesOfRepository, packagesOfRepository, textOf } from './repository.ts';

// Manners of files: small, named for the noun inside, and speaking of the project alone.

const LINES_HARD_MAX = 1000;
// Above this a file probably holds a second noun. Listed, not forbidden.
const LINES_WORTH_A_LOOK = 500;

const files = filesOfRepository();
const code = files.filter((path) => /\.(tsx?|mjs)$/.test(path));
const texts = files.filter((path) =>
  /\.(tsx?|mjs|json|md|ya?ml|css|html|avsc|sh|toml)$|\/Dockerfile$|^\.ci\//.test(path),
);

function lineCount(path: string): number {
  return textOf(path).split('\n').length;
}

test(`no source is longer than ${LINES_HARD_MAX} lines`, async ({ annotate }) => {
  const long = code.map((path) => ({ path, lines: lineCount(path) })).filter(({ lines }) => lines > LINES_WORTH_A_LOOK);
  for (const { path, lines } of long) await annotate(`${path} has ${lines} lines: is there a second noun in it?`);
  expect(long.filter(({ lines }) => lines > LINES_HARD_MAX)).toEqual([]);
});

test('no source is called after nothing in particular', () => {
  const vague = /^(utils?|helpers?|misc|common|manager|stuff)$/i;
  const names = (path: string) => [basename(path).replace(/\..*$/, ''), ...dirname(path).split('/')];
  expect(code.filter((path) => names(path).some((name) => vague.test(name)))).toEqual([]);
});

// Written in pieces, so that this file does not find itself.
const host = (...labels: string[]) => new RegExp(`\\b${labels.join('\\.')}\\b`);
const STRANGERS: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a folder of one machine', pattern: new RegExp(`(^|[\\s"'\`(=:])/${'(work|root|workspace)'}/[\\w.-]`) },
  { what: 'the npm registry', pattern: host('registry', 'npmjs', 'org') },
  { what: 'the Debian mirror', pattern: host('deb', 'debian', 'org') },
  { what: 'the Maven registry', pattern: host('repo1?', 'maven', '(apache\\.)?org') },
  { what: 'the Python registry', pattern: host('pypi', 'org') },
  { what: 'the Go proxy', pattern: host('proxy', 'golang', 'org') },
  { what: 'a writing tool', pattern: new RegExp(`\\b(AI|LLM|coding) ${'(agents?|assistants?|sessions?)'}\\b`, 'i') },
  { what: 'papers outside the repository', pattern: new RegExp(`\\b(design|house|requirements)\\${'.md'}\\b`) },
  { what: 'numbers of decisions outside the repository', pattern: new RegExp(`\\((D1?\\d|K[1-7])${'\\)'}`) },
];

test.each(STRANGERS)('nothing speaks of $what', ({ pattern }) => {
  const found = texts.flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );
  expect(found).toEqual([]);
});

test('a package that exports something has a README', () => {
  const silent = packagesOfRepository()
    .map(({ name }) => `packages/${name}`)
    .filter(
      (folder) =>
        files.includes(`${folder}/src/index.ts`) &&
        /\bfrom\b|export (async )?(function|const|class)/.test(textOf(`${folder}/src/index.ts`)),
    )
    .filter((folder) => !files.includes(`${folder}/README.md`));
  expect(silent).toEqual([]);
});
