// Types, lint and tests: `npm test [-- <path or vitest option>...]`. A stage that fails does not stop the next one, but
// the exit code says so and the stage counts as one failure. The last line is always `N passed, N failed`.
//
// A long fuzz run: `npm run fuzz -- <name> [--seed N] [--rounds N]`: the *.fuzz.test.ts files with that name in their
// path, without types, lint or a time limit. Those of which a seed is a story take `--from N --to N` instead, and say where to go on. `npm run crash -- [--seed N] [--rounds N]` is the same for the test that kills the
// whole process, `npm run chaos` for the one that harms a fleet on Kafka: its rounds are worlds, one a seed.
import { globSync } from 'node:fs';
import { root } from './lib/project.mjs';
import { giveUp, say } from './lib/run.mjs';
import { checkLint, checkTypes } from './lib/stages.mjs';
import { playTests, playTwice, seedOfRun } from './lib/vitest.mjs';

const FUZZ_ROUNDS_DEFAULT = 1000;
const LONG_TESTS = {
  '--crash': 'packages/server/test/crash.app.test.ts',
  '--chaos': 'packages/server/test/chaos.kafka.test.ts',
};

const args = process.argv.slice(2);
const fuzzing = args.indexOf('--fuzz');
const longTest = LONG_TESTS[args[0]];
const counts = longTest
  ? long([longTest], args.slice(1))
  : fuzzing === -1
    ? await testEverything(args)
    : fuzz(args.slice(fuzzing + 1));
say(`\n${line(counts)}`);
process.exit(counts.failed === 0 ? 0 : 1);

async function testEverything(vitestArgs) {
  const stages = await Promise.all([checkTypes(), checkLint()]);
  for (const { name, ok, output } of stages) say(ok ? `${name}: fine.` : `${output.trimEnd()}\n${name}: NOT fine.`);
  const env = { RUN_SEED: process.env.RUN_SEED || String(seedOfRun()) };
  say(`Random tests draw from RUN_SEED=${env.RUN_SEED}.`);
  const ran = process.env.CI === undefined ? playTests(vitestArgs, env) : playTwice(vitestArgs, env);
  for (const { name } of stages.filter((stage) => !stage.ok)) say(`${name}: NOT fine; see the top.`);
  const broken = stages.filter((stage) => !stage.ok).length;
  return { ...ran, passed: ran.passed + stages.length - broken, failed: ran.failed + broken };
}

function fuzz(fuzzArgs) {
  const { name } = fuzzOptions(fuzzArgs);
  const files = globSync('packages/**/*.fuzz.test.ts', { cwd: root, exclude: (path) => /node_modules|dist/.test(path) })
    .filter((file) => file.includes(name))
    .sort();
  if (files.length === 0) giveUp(`No fuzz test has ${JSON.stringify(name)} in its path.`);
  return long(files, fuzzArgs);
}

function long(files, longArgs) {
  const { seed, rounds, from, to } = fuzzOptions(longArgs);
  if ((from === undefined) !== (to === undefined)) giveUp('A range of seeds has both ends: --from N --to N.');
  const what =
    from !== undefined ? `seeds ${from} to ${to}` : `${rounds} rounds${seed === undefined ? '' : `, seed ${seed}`}`;
  say(`Playing ${files.join(', ')}: ${what}.`);
  const range = from === undefined ? {} : { FROM: from, TO: to };
  const env = { ROUNDS: rounds, ...range, ...(seed === undefined ? {} : { SEED: seed }) };
  return playTests([...files, '--testTimeout=0'], env);
}

function fuzzOptions(fuzzArgs) {
  const options = { name: '', seed: process.env.SEED, rounds: process.env.ROUNDS ?? String(FUZZ_ROUNDS_DEFAULT) };
  for (let i = 0; i < fuzzArgs.length; i++) {
    const arg = fuzzArgs[i];
    const whole = /^--(seed|rounds|from|to)=?(.*)$/.exec(arg);
    if (whole === null && arg.startsWith('-'))
      giveUp(`${arg} is no option of a fuzz run; it has --seed N, --rounds N, --from N and --to N.`);
    if (whole === null) {
      options.name = arg;
      continue;
    }
    const value = whole[2] || fuzzArgs[++i];
    if (!/^\d+$/.test(value ?? '')) giveUp(`--${whole[1]} takes a whole number, not ${JSON.stringify(value ?? '')}.`);
    options[whole[1]] = value;
  }
  return options;
}

function line({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
