import { spawn } from 'node:child_process';
import { projectEnv, root } from './project.mjs';

/** @typedef {{ code: number, output: string }} Ran */

/**
 * Runs a program in the project's folder. `show` hands the terminal through; otherwise its output is collected.
 * Never rejects: a program that cannot be started is exit code 127 and the reason as output.
 * @returns {Promise<Ran>}
 */
export function run(command, args, { show = false, env = {}, cwd = root } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: projectEnv(env),
      stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    const pieces = [];
    child.stdout?.on('data', (piece) => pieces.push(piece));
    child.stderr?.on('data', (piece) => pieces.push(piece));
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(pieces).toString() }));
  });
}

/** Says something while a person waits: always a whole sentence. */
export function say(sentence) {
  process.stdout.write(`${sentence}\n`);
}

/** Says what went wrong and ends: `output` is what the failed program had to say. */
export function giveUp(sentence, output = '') {
  if (output.trim() !== '') process.stderr.write(`${output.trimEnd()}\n`);
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/** The last lines of a program's output: what usually says why. */
export function tail(output, lines = 30) {
  return output.trimEnd().split('\n').slice(-lines).join('\n');
}
