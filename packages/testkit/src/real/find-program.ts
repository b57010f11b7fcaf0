import { delimiter, join } from 'node:path';
import { cacheFolder } from './servers.ts';
import { isProgram } from './surroundings.ts';

// Where a real program comes from: the variable that names it, PATH, or the cache that `node scripts/setup.mjs --test`
// fills with unpacked Debian packages (<cache>/debian/<package>/usr/bin/<program>).

export interface ProgramSource {
  /** The variable that overrides everything: PROMETHEUS_BIN. */
  readonly variable: string;
  /** Names to look for, most wanted first. */
  readonly names: readonly string[];
  /** The Debian package that holds it. */
  readonly debianPackage: string;
}

/** The path of the program. Throws, saying how to get it, when there is none: a test that needs it must not pass. */
export function findProgram({ variable, names, debianPackage }: ProgramSource): string {
  const given = process.env[variable];
  if (given !== undefined && given !== '') {
    if (isProgram(given)) return given;
    throw new Error(`${variable}=${given} is no program that can be run`);
  }
  const cache = cacheFolder();
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), join(cache, 'debian', debianPackage, 'usr', 'bin')];
  for (const folder of folders) {
    for (const name of names) if (isProgram(join(folder, name))) return join(folder, name);
  }
  throw new Error(
    `${names[0]} is not on PATH and not in ${cache}: \`node scripts/setup.mjs --test\` fetches it on Debian, or set ${variable}`,
  );
}
