import { constants, type Dirent, existsSync } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, nodeDisk, type Random, systemCode, TidemarkError } from '@tidemark/base';
import { verifyLog } from '@tidemark/log';
import type { StorageEngine } from '@tidemark/storage-engine';
import { verifyState } from '@tidemark/stream-rollup';
import type { Objects } from './objects.ts';

// A consistent copy of the data folder while everything goes on: snapshots/<name>, a data folder of its own.
//
//   journals linked                         so that none is gone when its turn comes
//   engine still: no checkpoint, seal or compaction
//     marks, store, objects, rollup copied  the store has read no more than the log has
//     journals, compacted topics copied     the log may have more: a start replays it
//   verified, synced, renamed               until then it is .<name>, and a crash leaves only that
//
// Segments are linked where the file system can: they never change. State of the rollup and compacted topics is written meanwhile;
// a copy that does not verify is made again.

export interface SnapshotParts {
  readonly dataFolder: string;
  readonly objects: Objects;
  /** Whether the log is in the data folder. One that is elsewhere goes on from where the copy stands, as long as it keeps that. */
  readonly hasLog: boolean;
  readonly engine: StorageEngine;
  readonly clock: Clock;
  readonly random: Random;
}

const FOLDER = 'snapshots';
// Half a second of writes between one copy and the next is the most that was seen; ten times in a row means something else.
const TRIES = 10;

/** Throws `SNAPSHOT_UNSTABLE`, `SNAPSHOT_OBJECTS_ELSEWHERE`, and what the file system throws. */
export async function takeSnapshot(parts: SnapshotParts): Promise<{ readonly name: string }> {
  const { dataFolder, objects, hasLog, engine, clock, random } = parts;
  const objectFolder = objects.folder ?? elsewhere(objects.shown);
  const stamp = new Date(clock.nowMs()).toISOString().replace(/[-:]|\.\d+/g, '');
  const name = `${stamp}-${Buffer.from(random.bytes(4)).toString('hex')}`;
  const folder = join(dataFolder, FOLDER);
  const unfinished = join(folder, `.${name}`);
  await mkdir(unfinished, { recursive: true });
  try {
    const links = join(unfinished, 'links');
    if (hasLog) await linkJournals(join(dataFolder, 'log'), links);
    await engine.whileStill(async () => {
      await copyStore(dataFolder, objectFolder, unfinished);
      await until('rollup', () => copyRollup(dataFolder, unfinished));
      if (hasLog) await until('log', () => copyLog(dataFolder, links, unfinished));
    });
    await rm(links, { recursive: true, force: true });
    await syncAll(unfinished);
    await rename(unfinished, join(folder, name));
    await syncFolder(folder);
    return { name };
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

function elsewhere(shown: string): never {
  throw new TidemarkError(
    'SNAPSHOT_OBJECTS_ELSEWHERE',
    `sealed segments lie in ${shown}, which a snapshot of this machine's folder cannot hold; use versions or copies of the bucket`,
    { objects: shown },
  );
}

async function copyStore(dataFolder: string, objectFolder: string, into: string): Promise<void> {
  await copyFile(join(dataFolder, 'TIDEMARK'), join(into, 'TIDEMARK'));
  // Whose folder it is; that of the only store does not say.
  if (existsSync(join(dataFolder, 'STORE'))) await copyFile(join(dataFolder, 'STORE'), join(into, 'STORE'));
  // It is never behind the store, nor ahead of the log, which is copied later.
  await copyTree(join(dataFolder, 'repair'), join(into, 'repair'), copyFile);
  await copyTree(join(dataFolder, 'store'), join(into, 'store'), copyFile);
  await copyTree(objectFolder, join(into, 'objects'), (from, to) =>
    from.endsWith('.seg') ? linkOrCopy(from, to) : copyFile(from, to),
  );
}

/** False: it changed under our hands. */
async function copyRollup(dataFolder: string, into: string): Promise<boolean> {
  await rm(join(into, 'rollup'), { recursive: true, force: true });
  if (!(await copyTree(join(dataFolder, 'rollup'), join(into, 'rollup'), copyFile))) return false;
  for await (const { verdict } of verifyState(nodeDisk(into), 'rollup')) {
    if (verdict === 'damaged' || verdict === 'missing') return false;
  }
  return true;
}

async function copyLog(dataFolder: string, links: string, into: string): Promise<boolean> {
  const [from, to] = [join(dataFolder, 'log'), join(into, 'log')];
  await rm(to, { recursive: true, force: true });
  await mkdir(to);
  if (!(await copyTree(join(from, 'compacted'), join(to, 'compacted'), copyFile))) return false;
  await linkJournals(from, links);
  for (const { name } of await entriesOf(links)) await copyFile(join(links, name), join(to, name));
  for await (const { verdict } of verifyLog(nodeDisk(into), 'log', new Map())) {
    if (verdict === 'damaged' || verdict === 'missing') return false;
  }
  return true;
}

/** A journal only grows, and a link keeps it when the log lets it go. */
async function linkJournals(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await entriesOf(from)) {
    if (!entry.isFile() || !entry.name.endsWith('.journal')) continue;
    try {
      await link(join(from, entry.name), join(to, entry.name));
    } catch (error) {
      // Linked before, or let go just now by all that read it.
      if (systemCode(error) !== 'EEXIST' && systemCode(error) !== 'ENOENT') throw error;
    }
  }
}

async function until(what: string, copy: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) if (await copy()) return;
  throw new TidemarkError('SNAPSHOT_UNSTABLE', `the ${what} changes too fast to be copied; try again`, { what });
}

/** False when a file was gone before it was copied. */
async function copyTree(from: string, to: string, copy: (from: string, to: string) => Promise<void>): Promise<boolean> {
  await mkdir(to, { recursive: true });
  let whole = true;
  for (const entry of await entriesOf(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) whole = (await copyTree(source, target, copy)) && whole;
    else {
      try {
        await copy(source, target);
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw error;
        whole = false;
      }
    }
  }
  return whole;
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw error;
    // Another file system, or one without links.
    await copyFile(from, to, constants.COPYFILE_EXCL);
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

async function syncAll(folder: string): Promise<void> {
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncAll(path);
    else await syncFolder(path);
  }
  await syncFolder(folder);
  await syncFolder(dirname(folder));
}

/** Or a file. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
