// The quick look before a commit, under a minute: types, lint, and the unit tests that what changed can reach.
// What changed: everything since this branch left main, and what is not committed yet.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { projectNode, root } from './lib/project.mjs';
import { run, say } from './lib/run.mjs';
import { checkLint, checkTypes } from './lib/stages.mjs';

// Tests that start servers, or whole simulated worlds: `npm test` runs them.
const SLOW = ['app', 'kafka', 's3', 'sim'];

const startedAt = performance.now();
const stages = await Promise.all([checkTypes(), checkLint()]);
for (const { name, ok, output } of stages) say(ok ? `${name}: fine.` : `${output.trimEnd()}\n${name}: NOT fine.`);
const tests = unitTests(await sinceWhen());
say(`Checked in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`);
process.exit(tests === 0 && stages.every((stage) => stage.ok) ? 0 : 1);

/** The commit where this branch left main: the main that was fetched, else the one here, else the last commit. */
async function sinceWhen() {
  for (const main of ['origin/main', 'main']) {
    const { code, output } = await run('git', ['merge-base', 'HEAD', main]);
    if (code === 0) return output.trim();
  }
  return 'HEAD';
}

function unitTests(since) {
  const program = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [program, 'run', `--changed=${since}`, '--passWithNoTests'];
  const env = { ...process.env, TIDEMARK_TEST_WITHOUT: SLOW.join(',') };
  return spawnSync(projectNode(), args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env }).status ?? 1;
}
