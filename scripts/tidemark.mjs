// Runs Tidemark from its sources on the project's own Node: `node scripts/tidemark.mjs [command] [options]`.
// Without a command it serves.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compileCache, projectNode, root, sourceFlags } from './lib/project.mjs';

const ASKS_ONLY = new Set(['-h', '--help', '-v', '--version']);

const given = process.argv.slice(2);
const first = given[0];
const needsCommand = first === undefined || (first.startsWith('-') && !ASKS_ONLY.has(first));
const main = join(root, 'packages', 'server', 'src', 'main.ts');
const command = needsCommand ? ['serve', ...given] : given;
// The server makes short-lived batches all the time: with V8's own low first limit on the old space it collects the whole heap
// again and again for nothing (measured: 3 full collections instead of 16, a tenth less CPU). Batches are columns outside of the
// heap, so a small young space does: 16 MiB of it cost 25 MB of memory and gained no CPU.
const heapFlags = command[0] === 'serve' ? ['--max-semi-space-size=4', '--initial-old-space-size=256'] : [];
const args = [...sourceFlags, ...heapFlags, main, ...command];
const node = projectNode();
// Columns come and go from several threads: with an arena for each of them, and a threshold that grows with what is freed, glibc
// keeps a hundred megabytes that nobody uses (measured: 609 MB instead of 722 with 100,000 series).
const env = {
  NODE_COMPILE_CACHE: compileCache,
  MALLOC_ARENA_MAX: '2',
  MALLOC_TRIM_THRESHOLD_: '131072',
  ...process.env,
};

if (!existsSync(main)) {
  process.stderr.write(`${main} is missing: this clone is not whole.\n`);
  process.exit(1);
}
if (typeof process.execve === 'function' && process.platform !== 'win32') become(node, args, env);
else runBelow(node, args, env);

/** This process turns into the server: signals, exit code and terminal are the server's, with nobody in between. */
function become(command, commandArgs, environment) {
  process.removeAllListeners('warning'); // execve is announced as experimental on every start
  process.execve(command, [command, ...commandArgs], environment);
}

/** Where a process cannot turn into another: it waits, passes each signal on once, and ends as the server ended. */
function runBelow(command, commandArgs, environment) {
  const child = spawn(command, commandArgs, { stdio: 'inherit', env: environment });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => passOn(child, signal));
  child.on('error', (error) => {
    process.stderr.write(`${command} does not start: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.kill(process.pid, signal);
  });
}

function passOn(child, signal) {
  process.on(signal, ignore); // a second one is not for this process: the server is draining
  child.kill(signal);
}

function ignore() {
  // The server is told once.
}
