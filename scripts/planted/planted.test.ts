import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withBug } from './bug.ts';
import { BUGS } from './bugs.ts';
import { verdictOf } from './play.ts';
import { plantedBug } from './plugin.ts';
import { listOf, pageRowsOf, tableOf } from './table.ts';

// The list is of the sources as they are, and what a run came to is not mistaken. Whether the bugs are caught, `npm run planted` says.

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('at least thirty, each with a name of its own that says what goes wrong', () => {
  expect(BUGS.length).toBeGreaterThanOrEqual(30);
  expect(new Set(BUGS.map(({ name }) => name)).size).toBe(BUGS.length);
  for (const { name, what } of BUGS) {
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/);
    expect(what.length, name).toBeGreaterThan(10);
  }
});

test.each(BUGS)('$name: its text stands once in its file, and its tests are there', (bug) => {
  const source = read(bug.file);
  expect(withBug(bug, source)).not.toBe(source);
  expect(bug.file, 'a bug is in a source').not.toMatch(/\.test\.ts$/);
  expect(bug.caughtBy.length).toBeGreaterThan(0);
  // One that starts processes does not see the bug: they read the tree.
  for (const { test: path } of bug.caughtBy) {
    expect(path).toMatch(/^packages\/[^*]+(?<!\.app)\.test\.ts$/);
    expect(existsSync(join(ROOT, path)), path).toBe(true);
  }
});

test('a text that is gone, or there twice, is refused', () => {
  const bug = { name: 'a-bug', what: '', file: 'f.ts', text: 'x + 1', instead: '$&', caughtBy: [] };
  expect(withBug(bug, 'y = x + 1;')).toBe('y = $&;');
  expect(() => withBug(bug, 'y = x + 2;')).toThrow('0 times in f.ts');
  expect(() => withBug(bug, 'y = x + 1 + x + 1;')).toThrow('2 times in f.ts');
});

test('a bug that is not in the list is refused', () => {
  expect(() => plantedBug('no-such-bug')).toThrow('no planted bug "no-such-bug"');
});

test.each([
  ['all passed', 0, { passed: 3, failed: 0, failedTests: [] }, 'passed'],
  ['a test failed', 1, { passed: 2, failed: 1, failedTests: ['a'] }, 'caught'],
  ['a test failed, and something threw', 1, { passed: 2, failed: 2, failedTests: ['a'] }, 'caught'],
  ['a file did not load', 1, { passed: 0, failed: 1, failedTests: [] }, 'broken'],
  ['nothing ran', 0, { passed: 0, failed: 0, failedTests: [] }, 'broken'],
  ['it ended badly', 1, { passed: 3, failed: 0, failedTests: [] }, 'broken'],
  ['no counts were left', 1, undefined, 'broken'],
])('%s', (_, code, counts, verdict) => {
  expect(verdictOf(code, counts)).toBe(verdict);
});

test('the table names a bug once, and says who did not catch it', () => {
  const bug = { name: 'a-bug', what: 'it goes wrong', file: 'f.ts', text: '', instead: '', caughtBy: [] };
  const rows = [
    { bug, play: { test: 'a.test.ts' }, played: { verdict: 'caught' as const, seconds: 1.25 } },
    { bug, play: { test: 'b.test.ts', env: { SEED: '7' } }, played: { verdict: 'passed' as const, seconds: 12 } },
  ];
  expect(tableOf(rows).split('\n')).toEqual([
    'bug    caught by                         seconds',
    'a-bug  a.test.ts                         1.3',
    '       NOT by SEED=7 b.test.ts (passed)  12.0',
  ]);
  expect(listOf([bug])).toBe('a-bug  it goes wrong  f.ts');
});

test('the page has them all, as they are: `npm run planted -- --page`', () => {
  expect(read('docs/testing.md')).toContain(`\n${pageRowsOf(BUGS)}\n\n`);
});
