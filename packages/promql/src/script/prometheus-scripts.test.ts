import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runScript } from './run-script.ts';

// Prometheus' own scripts, read in place. They live beside the repository, not in it; a clone without them says so and passes.
//
// testdata/prometheus-passes.json pins how many evals of each file pass: a ratchet, it may only rise. What does not pass must
// be refused as not supported; an answer that differs is a failure, except for what is listed here with its reason.

const FOLDER = join(import.meta.dirname, '../../../../../shared/promqltest');
const PASSES: Readonly<Record<string, number>> = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../testdata/prometheus-passes.json'), 'utf8'),
);

/** `file:line` of evals that may differ, with the reason. */
const KNOWN_DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['limit.test:106', 'which half of the series limit_ratio takes is told by a hash of our own: here two of eight'],
]);

if (existsSync(FOLDER)) {
  describe("Prometheus' scripts", () => {
    for (const [name, passes] of Object.entries(PASSES)) {
      test(`${name}: at least ${passes} pass, no answer is wrong`, async () => {
        const text = readFileSync(join(FOLDER, name), 'utf8');
        // The settings the scripts assume: see the README beside them.
        const outcomes = await runScript(text, { delayedNameRemoval: true });
        const wrong = outcomes.filter(
          ({ verdict, line }) => verdict === 'wrong' && !KNOWN_DIFFERENCES.has(`${name}:${line}`),
        );
        expect(wrong.map(({ line, query, reason }) => `${name}:${line} ${query}: ${reason}`)).toEqual([]);
        const passed = outcomes.filter(({ verdict }) => verdict === 'pass').length;
        expect(passed, 'evals that pass').toBeGreaterThanOrEqual(passes);
        if (passed > passes) {
          process.stderr.write(`${name}: ${passed} evals pass now, pin them in testdata/prometheus-passes.json\n`);
        }
      });
    }
  });
} else {
  test(`DID NOT RUN: Prometheus' scripts are not at ${FOLDER}`, () => {
    process.stderr.write(`Prometheus' PromQL scripts did not run: ${FOLDER} is not there\n`);
    expect(Object.keys(PASSES)).toHaveLength(21);
  });
}
