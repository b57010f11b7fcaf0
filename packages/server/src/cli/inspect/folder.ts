import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { messageOf, systemCode, TidemarkError } from '@tidemark/base';
import { inspectFile, isInspectable } from '@tidemark/storage-engine';

// A data folder at a glance: what each part holds, and for every file that can explain itself its first fact.

const PARTS: readonly (readonly [folder: string, about: string])[] = [
  ['TIDEMARK', 'what this folder is: version, partitions, key of series ids'],
  ['log', 'commit log: `tidemark inspect journal` shows its frames, `inspect topic NAME` its records'],
  ['store', 'heads, checkpoints and windows of the storage engine'],
  ['rollup', 'state of the rollup tasks'],
  ['objects', 'object store: sealed segments and manifests'],
];

export async function inspectFolder(data: string, say: (line: string) => void): Promise<number> {
  const paths = await filesBelow(data);
  if (!paths.includes('TIDEMARK')) {
    throw new TidemarkError('DATA_FOREIGN', `${data} is no Tidemark data folder: it has no file TIDEMARK`, { data });
  }
  let bad = 0;
  for (const [part, about] of PARTS) {
    const inside = paths.filter((path) => path === part || path.startsWith(part + sep));
    if (inside.length === 0) continue;
    const sizes = await Promise.all(inside.map((path) => sizeOf(join(data, path))));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    say(
      `${part.padEnd(9)} ${String(inside.length).padStart(5)} ${inside.length === 1 ? 'file ' : 'files'} ${human(bytes).padStart(9)}   ${about}`,
    );
    for (const path of inside.filter(isInspectable)) {
      const { line, ok } = await firstFact(data, path);
      if (!ok) bad++;
      say(`  ${path.split(sep).join('/')}: ${line}`);
    }
  }
  return bad === 0 ? 0 : 1;
}

async function firstFact(data: string, path: string): Promise<{ line: string; ok: boolean }> {
  try {
    for await (const fact of inspectFile(path, new Uint8Array(await readFile(join(data, path))))) {
      return { line: factLine(fact), ok: fact.what !== 'damage' };
    }
    return { line: 'empty', ok: true };
  } catch (error) {
    // A running Tidemark may have let it go since it was listed.
    if (systemCode(error) === 'ENOENT') return { line: 'gone meanwhile', ok: true };
    return { line: `DAMAGED: ${messageOf(error)}`, ok: false };
  }
}

/** Every fact of one file. */
export async function inspectOneFile(path: string, say: (line: string) => void): Promise<number> {
  if (!isInspectable(path)) {
    throw new TidemarkError(
      'ARGUMENT_INVALID',
      `${path} is none of the files that explain themselves: checkpoints, series files, segments (.seg), manifests (.manifest)`,
      { path },
    );
  }
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new TidemarkError('FILE_UNREADABLE', `${path} cannot be read: ${messageOf(error)}`, { path }, error);
  });
  let damage = 0;
  for await (const fact of inspectFile(path, new Uint8Array(bytes))) {
    if (fact.what === 'damage') damage++;
    say(factLine(fact));
  }
  return damage === 0 ? 0 : 1;
}

function factLine({ what, ...facts }: { readonly what: string; readonly [name: string]: string | number }): string {
  const parts = Object.entries(facts).map(([name, value]) => `${name}=${timed(name, value)}`);
  return `${what} ${parts.join(' ')}`.trimEnd();
}

/** Times as a person reads them, where the name says milliseconds since the epoch. */
function timed(name: string, value: string | number): string {
  const isTime = typeof value === 'number' && name.endsWith('Ms');
  return isTime && value > 1e11 && value < 8e15 ? new Date(value).toISOString() : String(value);
}

async function filesBelow(data: string): Promise<string[]> {
  try {
    const entries = await readdir(data, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(data, join(entry.parentPath, entry.name)))
      .sort();
  } catch (error) {
    throw new TidemarkError('DATA_UNREADABLE', `${data} cannot be read: ${messageOf(error)}`, { data }, error);
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}

function human(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
