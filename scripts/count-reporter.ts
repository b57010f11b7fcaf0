import { writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts what a test run came to and says it on one plain line, the last of the run: `12 passed, 0 failed`.
 *
 * A file that fails outside its tests (it does not load, a suite's hook throws) and an error nobody caught count as one
 * failure each, so a run that went wrong never reads as `0 failed`. Tests that passed only when they were played again are
 * named. With `TIDEMARK_TEST_COUNTS` set, the counts go to
 * that file as JSON and the caller, `scripts/test.mjs`, prints the line once all its stages are done.
 */
export class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const counts = count(modules, unhandled.length);
    for (const test of modules.flatMap((module) => [...module.children.allTests()]).filter(neededMore))
      process.stdout.write(
        `\nPassed at the second try only, look why: ${test.module.relativeModuleId} > ${test.fullName}\n`,
      );
    const file = process.env['TIDEMARK_TEST_COUNTS'];
    if (file !== undefined && file !== '') writeFileSync(file, JSON.stringify(counts));
    else process.stdout.write(`\n${countLine(counts)}\n`);
  }
}

function neededMore(test: TestCase): boolean {
  return test.diagnostic()?.flaky === true;
}

/** The closing line: `N passed, N failed`, with `, N skipped` only where something was skipped. */
export function countLine(counts: Counts): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}

function count(modules: readonly TestModule[], unhandledErrors: number): Counts {
  let passed = 0;
  let failed = unhandledErrors;
  let skipped = 0;
  for (const module of modules) {
    failed += module.errors().length;
    for (const suite of module.children.allSuites()) failed += suite.errors().length;
    for (const { state } of [...module.children.allTests()].map((each) => each.result())) {
      if (state === 'passed') passed++;
      else if (state === 'failed') failed++;
      // A run that is cut short leaves tests pending: they did not run.
      else skipped++;
    }
  }
  return { passed, failed, skipped };
}
