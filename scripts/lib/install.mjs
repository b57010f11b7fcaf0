// npm packages: installed when they are missing or the lock file changed.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findProjectNode, root } from './project.mjs';
import { giveUp, run, say, tail } from './run.mjs';
import { hashOf, readStamp, writeStamp } from './stamp.mjs';

const HEARTBEAT_MS = 15_000;
const stampFile = join(root, 'node_modules', '.tidemark-setup');

export async function installPackages() {
  const wanted = hashOf(root, ['package-lock.json', '.npmrc'], `${process.platform} ${process.arch}`);
  if (existsSync(join(root, 'node_modules')) && readStamp(stampFile) === wanted) return;
  if (installedByHand()) {
    writeStamp(stampFile, wanted);
    return;
  }
  say(
    existsSync(join(root, 'node_modules'))
      ? 'The lock file changed: installing the packages it names.'
      : 'Installing packages, the project’s own Node among them. The first time takes a minute or two.',
  );
  const startedAt = performance.now();
  const seconds = () => Math.round((performance.now() - startedAt) / 1000);
  const heartbeat = setInterval(() => say(`Still installing (${seconds()} s).`), HEARTBEAT_MS);
  const { code, output } = await npm(['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund']);
  clearInterval(heartbeat);
  if (code !== 0) giveUp(`npm ci failed with exit code ${code}; what it said is above.`, tail(output));
  writeStamp(stampFile, wanted);
  say(`Packages are installed (${seconds()} s).`);
}

/**
 * Somebody ran npm themselves, and everything: npm's own record of what is installed, which it writes last, is younger
 * than the lock file, and the project's Node and the tools are there.
 */
function installedByHand() {
  const record = statSync(join(root, 'node_modules', '.package-lock.json'), { throwIfNoEntry: false });
  const lock = statSync(join(root, 'package-lock.json'), { throwIfNoEntry: false });
  if (record === undefined || lock === undefined || record.mtimeMs <= lock.mtimeMs) return false;
  return findProjectNode() !== undefined && existsSync(join(root, 'node_modules', 'vitest'));
}

/** The npm that started this script when there is one, so a second npm on PATH does not get in between. */
export function npm(args) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith('.js')) return run(process.execPath, [cli, ...args]);
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args);
}
