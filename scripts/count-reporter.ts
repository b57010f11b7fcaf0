import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What a run came to, for a caller that may play the files that failed once more: the counts are of everything. */
export interface RunCounts extends Counts {
  /** Files in which something failed, from the project's folder. */
  readonly failedFiles: readonly string[];
  /** Names of the tests that failed; what failed outside of one has none. */
  readonly failedTests: readonly string[];
  /** What the other files came to. `failed` has what belongs to no file. */
  readonly others: Counts;
}

/**
 * Counts what a test run came to and says it on one plain line, the last of the run: `12 passed, 0 failed`.
 *
 * A file that fails outside its tests (it does not load, a suite's hook throws) and an error nobody caught count as one
 * failure each, so a run that went wrong never reads as `0 failed`. With `TIDEMARK_TEST_COUNTS` set, `RunCounts` go to that
 * file as JSON and the caller, `scripts/test.mjs`, prints the line once all its stages are done.
 */
export class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const counts = countRun(modules, unhandled);
    const file = process.env['TIDEMARK_TEST_COUNTS'];
    if (file !== undefined && file !== '') writeFileSync(file, JSON.stringify(counts));
    else process.stdout.write(`\n${countLine(counts)}\n`);
  }
}

/** The closing line: `N passed, N failed`, with `, N skipped` only where something was skipped. */
export function countLine(counts: Counts): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}

function countRun(modules: readonly TestModule[], unhandled: readonly SerializedError[]): RunCounts {
  const byFile = new Map<string, Counts>();
  for (const module of modules) byFile.set(module.moduleId, sum(byFile.get(module.moduleId), countModule(module)));
  let others: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { VITEST_TEST_PATH: path } of unhandled) {
    const ofFile = byFile.get(String(path));
    if (ofFile === undefined) others = sum(others, ONE_FAILURE);
    else byFile.set(String(path), sum(ofFile, ONE_FAILURE));
  }
  const failed = [...byFile].filter(([, { failed }]) => failed > 0);
  for (const counts of byFile.values()) if (counts.failed === 0) others = sum(others, counts);
  return {
    ...failed.reduce((all, [, counts]) => sum(all, counts), others),
    failedFiles: failed.map(([path]) => relative(process.cwd(), path)),
    failedTests: modules.flatMap((module) => [...module.children.allTests('failed')]).map(({ fullName }) => fullName),
    others,
  };
}

const ONE_FAILURE: Counts = { passed: 0, failed: 1, skipped: 0 };

function sum(one: Counts | undefined, other: Counts): Counts {
  if (one === undefined) return other;
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  };
}

function countModule(module: TestModule): Counts {
  let passed = 0;
  let failed = module.errors().length;
  let skipped = 0;
  for (const suite of module.children.allSuites()) failed += suite.errors().length;
  for (const { state } of [...module.children.allTests()].map((each) => each.result())) {
    if (state === 'passed') passed++;
    else if (state === 'failed') failed++;
    // A run that is cut short leaves tests pending: they did not run.
    else skipped++;
  }
  return { passed, failed, skipped };
}
