// Runs vitest on the terminal and says what it came to.
//
//   playTests     a run; counts as scripts/count-reporter.ts left them
//   playTwice     a run, and the files that failed once more, in a process of their own: for CI
//   seedOfRun     what random tests draw from: made of the commit in CI, so that a commit gets the same games each time
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectNode, root } from './project.mjs';
import { say } from './run.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */
/** @typedef {Counts & { failedFiles: string[], others: Counts }} RunCounts */

/** More files than these are no matter of a busy machine. */
const SECOND_TRIES_MAX = 8;

/** Without counts, the run itself failed. @returns {RunCounts} */
export function playTests(vitestArgs, env = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
  const file = join(folder, 'counts.json');
  try {
    const program = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const { status } = spawnSync(projectNode(), [program, 'run', ...vitestArgs], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env, TIDEMARK_TEST_COUNTS: file },
    });
    const ran = countsIn(file);
    return status !== 0 && ran.failed === 0 ? withFailure(ran) : ran;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * As playTests; files in which something failed are played once more, from the same seed. Those that pass then are named: on a
 * busy machine brokers and processes keep each other waiting, and what a test or we did wrong there is found by looking.
 *
 * @returns {Counts}
 */
export function playTwice(vitestArgs, env = {}, { play = playTests, tell = say } = {}) {
  const first = play(vitestArgs, env);
  const { failedFiles, others } = first;
  if (failedFiles.length === 0 || failedFiles.length > SECOND_TRIES_MAX) return first;
  tell(`\nOnce more: ${failedFiles.join(', ')}.`);
  const second = play(failedFiles, env);
  for (const file of failedFiles)
    if (!second.failedFiles.includes(file)) tell(`Passed at the second try only, look why: ${file}`);
  return {
    passed: others.passed + second.passed,
    failed: others.failed + second.failed,
    skipped: others.skipped + second.skipped,
  };
}

/** A whole number below 2^32. */
export function seedOfRun() {
  if (process.env.CI === undefined) return randomInt(2 ** 32);
  const { stdout } = spawnSync('git', ['rev-parse', '--short=7', 'HEAD'], { cwd: root, encoding: 'utf8' });
  const seed = Number.parseInt((stdout ?? '').slice(0, 7), 16);
  return Number.isNaN(seed) ? randomInt(2 ** 32) : seed;
}

function countsIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    say(`The tests left no counts (${error.message}).`);
    const none = { passed: 0, failed: 0, skipped: 0 };
    return withFailure({ ...none, failedFiles: [], others: none });
  }
}

/** With a failure that belongs to no file. */
function withFailure(ran) {
  return { ...ran, failed: ran.failed + 1, others: { ...ran.others, failed: ran.others.failed + 1 } };
}
