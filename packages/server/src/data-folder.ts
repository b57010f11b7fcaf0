import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Disk, messageOf, nodeDisk, type Random, systemCode, TidemarkError } from '@tidemark/base';
import type { Config } from './config/schema.ts';

// The folder of everything Tidemark keeps.
//
//   <data>/TIDEMARK      what this is: format version, the installation's key for series ids, partition count
//          log/          the embedded commit log
//          store/        heads, checkpoints, windows
//          rollup/       state of the rollup tasks
//          objects/      the object store, when it is a folder
//
// TIDEMARK is written first, into an empty folder only: a folder with other people's files is never touched.

export interface Installation {
  /** 32 secret bytes: series ids are keyed with them, so nobody can forge a collision. */
  readonly key: Uint8Array;
  /** Of the data topics; fixed when the first of what is kept comes into the folder. */
  readonly partitions: number;
}

/** The data folder, opened. */
export interface Home {
  /** Absolute. */
  readonly dataFolder: string;
  readonly disk: Disk;
  readonly installation: Installation;
}

const MARKER = 'TIDEMARK';
const VERSION = 0;
const KEY_LENGTH = 32;

const REASONS: Readonly<Record<string, string>> = {
  EEXIST: 'a file has this name',
  ENOTDIR: 'a file has this name, or one above it',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

/** Makes a folder and those above it. Not `recursive`: where the kernel will have no folder, Node asks for ever (/proc). */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return;
    const above = dirname(folder);
    if (code !== 'ENOENT' || above === folder || existsSync(above)) throw error;
    await makeFolder(above);
    await mkdir(folder);
  }
}

/** Throws as `prepareDataFolder` and `openInstallation`. */
export async function openHome(config: Pick<Config, 'data' | 'log'>, random: Random): Promise<Home> {
  const dataFolder = await prepareDataFolder(config.data);
  const disk = nodeDisk(dataFolder);
  return { dataFolder, disk, installation: await openInstallation(disk, dataFolder, config.log.partitions, random) };
}

/** Makes sure the folder is there and can be used, and names it absolutely. Throws `DATA_UNREADABLE`. */
export async function prepareDataFolder(path: string): Promise<string> {
  const folder = resolve(path);
  try {
    await makeFolder(folder);
    await readdir(folder);
  } catch (error) {
    throw new TidemarkError(
      'DATA_UNREADABLE',
      `the data folder ${folder} cannot be used (${REASONS[systemCode(error) ?? ''] ?? systemCode(error) ?? messageOf(error)}); set TIDEMARK_DATA to a folder this user may write`,
      { folder },
      error,
    );
  }
  return folder;
}

/**
 * Reads the marker, or makes it in an empty folder. Where the marker is all there is, it takes another partition count.
 * Throws `DATA_FOREIGN` (something else lives here), `DATA_VERSION` (a newer Tidemark made it), `DATA_CORRUPT`,
 * `DATA_PARTITIONS` (the configuration asks for another count).
 */
export async function openInstallation(
  disk: Disk,
  folder: string,
  partitions: number,
  random: Random,
): Promise<Installation> {
  const names = await disk.list('');
  if (names.includes(MARKER)) {
    const found = await readInstallation(disk, folder);
    // A start that was refused before anything was kept decides nothing.
    if (found.partitions !== partitions && names.length > 1)
      throw otherPartitions(folder, found.partitions, partitions);
    return found.partitions === partitions ? found : makeInstallation(disk, { key: found.key, partitions });
  }
  if (names.length > 0) {
    throw new TidemarkError(
      'DATA_FOREIGN',
      `${folder} holds files that are not Tidemark's (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''}); give Tidemark an empty folder with TIDEMARK_DATA`,
      { folder },
    );
  }
  return makeInstallation(disk, { key: random.bytes(KEY_LENGTH), partitions });
}

async function makeInstallation(disk: Disk, made: Installation): Promise<Installation> {
  const key = Buffer.from(made.key).toString('hex');
  const text = `tidemark data folder\nversion: ${VERSION}\npartitions: ${made.partitions}\nseries-key: ${key}\n`;
  await disk.writeAtomic(MARKER, Buffer.from(text, 'utf8'));
  return made;
}

/** What the marker says. Throws `DATA_VERSION`, `DATA_CORRUPT`. */
export async function readInstallation(disk: Disk, folder: string): Promise<Installation> {
  const text = Buffer.from(await disk.read(MARKER)).toString('utf8');
  const match = /^tidemark data folder\nversion: (\d+)\npartitions: (\d+)\nseries-key: ([0-9a-f]{64})\n$/.exec(text);
  const version = /^tidemark data folder\nversion: (\d+)\n/.exec(text)?.[1];
  if (version !== undefined && Number(version) > VERSION) {
    throw new TidemarkError(
      'DATA_VERSION',
      `${folder} was made by a newer Tidemark (data version ${version}; this one knows ${VERSION})`,
      {
        folder,
        version: Number(version),
      },
    );
  }
  if (!match) {
    throw new TidemarkError(
      'DATA_CORRUPT',
      `${folder}/${MARKER} is not as Tidemark writes it; restore it from a backup, it holds the key of all series ids`,
      {
        folder,
      },
    );
  }
  const partitions = Number(match[2]);
  return { key: Uint8Array.from(Buffer.from(match[3] as string, 'hex')), partitions };
}

function otherPartitions(folder: string, partitions: number, wantedPartitions: number): TidemarkError {
  return new TidemarkError(
    'DATA_PARTITIONS',
    `${folder} was made with log.partitions: ${partitions}, the configuration says ${wantedPartitions}; configure log.partitions: ${partitions}, the count cannot be changed`,
    { folder, partitions, wantedPartitions },
  );
}
