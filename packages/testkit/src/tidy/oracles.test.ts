import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { filesOfRepository, importsOf, textOf } from './repository.ts';

// What a store must answer is said by files that know nothing of how it works: those in a folder `oracle/`, or called so.

const ORACLE = /\/oracle\/[^/]+\.ts$|\/([a-z-]+-)?oracle\.ts$/;

const sources = filesOfRepository().filter((path) => /^packages\/.*\.ts$/.test(path));
const oracles = sources.filter((path) => ORACLE.test(path));

/** Tests of random stories, and which oracle each is judged by. */
const JUDGED: Readonly<Record<string, string>> = {
  'oracle.sim.test.ts': 'answers.ts',
  'crash-points.fuzz.test.ts': 'told.ts',
  'journal-crash.fuzz.test.ts': 'told.ts',
  'journal-damage.fuzz.test.ts': 'told.ts',
  'damage-sweep.fuzz.test.ts': 'truth.ts',
  'disk-faults.fuzz.test.ts': 'truth.ts',
  'refill.fuzz.test.ts': 'truth.ts',
  'exemplars.fuzz.test.ts': 'exemplars.ts',
  'retention-rules.sim.test.ts': 'kept.ts',
  'kill.app.test.ts': 'kill-story.ts',
};

function importsAsPaths(path: string): string[] {
  return importsOf(textOf(path)).map((name) => (name.startsWith('.') ? join(dirname(path), name) : name));
}

/** What a file imports, and what that does; files of the repository. */
function reached(path: string, known = new Set<string>()): Set<string> {
  for (const next of importsAsPaths(path)) {
    if (known.has(next) || !sources.includes(next)) continue;
    known.add(next);
    reached(next, known);
  }
  return known;
}

test.each(oracles)('%s imports no product code', (path) => {
  expect(importsAsPaths(path).filter((name) => !name.startsWith('node:') && !oracles.includes(name))).toEqual([]);
});

test.each(Object.entries(JUDGED))('%s is judged by oracle/%s', (name, oracle) => {
  const folder = 'packages/storage-engine/test';
  expect([...reached(`${folder}/${name}`)]).toContain(`${folder}/oracle/${oracle}`);
});

test('every oracle of the storage engine judges a test', () => {
  const own = oracles.filter((path) => path.startsWith('packages/storage-engine/'));
  const used = Object.values(JUDGED).map((oracle) => `packages/storage-engine/test/oracle/${oracle}`);
  expect(own.filter((path) => !used.includes(path))).toEqual([]);
});
