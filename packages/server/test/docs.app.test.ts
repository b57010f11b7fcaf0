import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { blocksOf, printsAsSaid } from './docs/page-blocks.ts';
import { followPage, type NotRun, type Story } from './docs/page-story.ts';

// What the documents tell a reader to type is typed here.

const REPOSITORY = join(import.meta.dirname, '..', '..', '..');
const textOf = (page: string) => readFileSync(join(REPOSITORY, page), 'utf8');

// Python is a second way to do what the page has shown in Node; a machine without it can still follow all the rest.
const PYTHON: readonly NotRun[] = ['python3 app.py', 'npx tidemark query mailer_queue_length'].map((command) => ({
  command,
  because: 'there is no python3 here',
}));

const PAGES: readonly (Story & { readonly page: string })[] = [
  { page: 'README.md', ports: [9470], notRun: [{ command: 'npm test', because: 'within itself it would never end' }] },
  {
    page: 'docs/getting-started.md',
    ports: [9470, 8000, 8001, 2525],
    notRun: [
      { command: 'docker compose', because: 'tests have no container engine; docker/ tries its parts without one' },
      ...(pythonIsThere() ? [] : PYTHON),
    ],
  },
  ...[
    'docs/api/exemplars.md',
    'docs/api/federate.md',
    'docs/api/remote-read.md',
    'docs/api/resolution.md',
    'docs/api/write.md',
    'docs/operating/alerts.md',
    'docs/operating/command-line.md',
    'docs/operating/kafka.md',
    'docs/operating/objects.md',
    'docs/operating/one-machine.md',
    'docs/operating/scraping.md',
  ].map((page) => ({ page, ports: [9470], notRun: [] })),
];

test.concurrent.each(PAGES)('$page does what it says', { timeout: 180_000 }, async ({ page, ports, notRun }) => {
  for (const { command } of notRun)
    expect(blocksOf(textOf(page)).some(({ text }) => text.startsWith(command))).toBe(true);
  await followPage(page, textOf(page), { ports, notRun });
});

test('no page with commands or settings is left out', () => {
  const pages = globSync(['README.md', 'docs/**/*.md'], { cwd: REPOSITORY, exclude: ['docs/format/**'] });
  const telling = pages.filter((page) => blocksOf(textOf(page)).some(({ language }) => /^(sh|yaml)$/.test(language)));
  expect(telling.sort()).toEqual(PAGES.map(({ page }) => page).sort());
});

test('metrics of Tidemark that documents name are there', () => {
  const known = new Set(textOf('docs/metrics.md').match(/tidemark_\w+/g));
  const named = globSync(['README.md', 'docs/**/*.md'], { cwd: REPOSITORY, exclude: ['docs/format/**'] }).flatMap(
    (page) => (textOf(page).match(/\btidemark_[a-z]\w*[a-z]\b/g) ?? []).map((name) => ({ page, name })),
  );
  expect(named.length).toBeGreaterThan(50);
  const series = (name: string) => name.replace(/_(bucket|count|sum)$/, '');
  expect(named.filter(({ name }) => !known.has(name) && !known.has(series(name)))).toEqual([]);
});

test('the trouble list quotes what the program says', () => {
  const page = textOf('docs/operating/one-machine.md');
  const list = page.slice(page.indexOf('## Trouble'));
  const quotes = [...list.matchAll(/^\| [^|]*?`([^`|]+)`/gm)].map(([, quote = '']) => quote);
  expect(quotes.length).toBeGreaterThan(8);
  const sources = globSync('packages/*/src/**/*.ts', { cwd: REPOSITORY }).map(textOf).join('\n').toLowerCase();
  const said = quotes.flatMap((quote) => quote.split(/\.\.\.|:|\d+\S*|\bN\b/)).map((part) => part.trim());
  expect(said.filter((part) => part.length > 3 && !sources.includes(part.toLowerCase()))).toEqual([]);
});

test('tests and programs that documents name are there', () => {
  const named = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: REPOSITORY })].flatMap((page) =>
    (
      textOf(page).match(/[\w./-]*\w\.(test|bench|sim)\.ts\b|\b(packages|scripts|docker)\/[\w./-]+\.(ts|mjs|js)\b/g) ??
      []
    ).map((name) => ({ page, name })),
  );
  const there = globSync(['packages/*/{src,test}/**/*.{ts,mjs}', 'scripts/**/*.{ts,mjs}', 'docker/**/*.{ts,mjs}'], {
    cwd: REPOSITORY,
  });
  expect(named.length).toBeGreaterThan(30);
  const ofKind = /^x\./; // `x.test.ts` stands for all of them
  expect(
    named.filter(({ name }) => !ofKind.test(name) && !there.some((path) => `/${path}`.endsWith(`/${name}`))),
  ).toEqual([]);
});

test('a page is compared as a reader would: numbers are others, words are not', () => {
  expect(printsAsSaid('taken 1\n', 'taken   27\n')).toBe(true);
  expect(printsAsSaid('taken 1\n', 'refused 1\n')).toBe(false);
  expect(printsAsSaid('a ... z\n', 'a b c z\n')).toBe(true);
  expect(printsAsSaid('a\n...\nz\n', 'a\nb\nc\nz\n')).toBe(true);
  expect(printsAsSaid('a\n', 'a\nb\n')).toBe(false);
});

function pythonIsThere(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
