import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { blocksOf, printsAsSaid } from './docs/page-blocks.ts';
import { followPage } from './docs/page-story.ts';

// What the documents tell a reader to type is typed here.

const REPOSITORY = join(import.meta.dirname, '..', '..', '..');
const textOf = (page: string) => readFileSync(join(REPOSITORY, page), 'utf8');

// Debian's image without anything has no Python; the page shows it as a second way to do what it has shown in Node.
const NO_PYTHON = pythonIsThere() ? [] : ['python3 app.py', 'npx tidemark query mailer_queue_length'];

const PAGES = [
  // `npm test` within `npm test` would never end.
  { page: 'README.md', ports: [9470], notRun: ['npm test'] },
  { page: 'docs/getting-started.md', ports: [9470, 8000, 8001, 2525], notRun: NO_PYTHON },
  ...[
    'docs/api/federate.md',
    'docs/api/write.md',
    'docs/operating/alerts.md',
    'docs/operating/one-machine.md',
    'docs/operating/scraping.md',
  ].map((page) => ({ page, ports: [9470], notRun: [] })),
];

test.concurrent.each(PAGES)('$page does what it says', { timeout: 180_000 }, async ({ page, ports, notRun }) => {
  for (const start of notRun)
    expect(blocksOf(textOf(page)).map(({ text }) => text)).toContainEqual(expect.stringMatching(`^${start}`));
  await followPage(page, textOf(page), { ports, notRun });
});

test('no page with commands or settings is left out, and every command is run or is in a list that says why not', () => {
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
