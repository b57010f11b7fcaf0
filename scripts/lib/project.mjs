// Where things are, and which Node runs them. Plain JavaScript for any Node >= 20: this file is read before anything is
// installed.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Programs that tests need and that no npm package carries: kept outside the clone, so a new clone finds them. */
export const cacheFolder = process.env.TIDEMARK_CACHE || join(homedir(), '.cache', 'tidemark');

/** Where Node keeps parsed and type-stripped sources between runs: about half of a start otherwise. */
export const compileCache = join(root, 'node_modules', '.cache', 'tidemark', 'compile');

const NODE_MAJOR_MIN = 24;

const major = () => Number(process.versions.node.split('.')[0]);

/** The Node that npm installed for the project, else the one running if it is new enough, else undefined. */
export function findProjectNode() {
  for (const name of ['node', 'node.exe']) {
    const path = join(root, 'node_modules', '.bin', name);
    if (existsSync(path)) return path;
  }
  return major() >= NODE_MAJOR_MIN ? process.execPath : undefined;
}

/** As findProjectNode, but ends the process with one clear sentence when there is none. */
export function projectNode() {
  const found = findProjectNode();
  if (found !== undefined) return found;
  process.stderr.write(
    `Tidemark runs on Node ${NODE_MAJOR_MIN} or newer, and this is ${process.version}. ` +
      '`node scripts/setup.mjs` installs the right one into node_modules; it changes nothing outside this folder.\n',
  );
  process.exit(1);
}

/** The environment for the project's tools: its own Node and programs come first on PATH. */
export function projectEnv(extra = {}) {
  const bin = join(root, 'node_modules', '.bin');
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, ...extra };
}

/** Node's flags for running the sources as they are: TypeScript, workspaces resolved to src. */
export const sourceFlags = ['-C', 'source'];
