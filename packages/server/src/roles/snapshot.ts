import { constants, type Dirent, existsSync } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Clock,
  isTidemarkError,
  type Logger,
  nodeDisk,
  type Random,
  systemCode,
  TidemarkError,
} from '@tidemark/base';
import { verifyLog } from '@tidemark/log';
import type { HeldObjects, HeldSegment, StorageEngine } from '@tidemark/storage-engine';
import { verifyState } from '@tidemark/stream-rollup';
import type { Objects } from './objects.ts';
import { markSnapshot } from './snapshot-mark.ts';

// A consistent copy of the data folder while everything goes on: snapshots/<name>, a data folder of its own.
//
//   journals linked                         so that none is gone when its turn comes
//   engine still: no checkpoint, seal or compaction
//     marks, store, objects, rollup copied  the store has read no more than the log has
//     journals, compacted topics copied     the log may have more: a start replays it
//   segments of a bucket fetched            they are held meanwhile: compaction and retention leave them
//   verified, synced, renamed               until then it is .<name>, and a crash leaves only that
//
// Segments in a folder are linked where the file system can: they never change. State of the rollup and compacted topics is written meanwhile;
// a copy that does not verify is made again.

export interface SnapshotParts {
  readonly dataFolder: string;
  readonly objects: Objects;
  /** Whether the log is in the data folder. One that is elsewhere goes on from where the copy stands, as long as it keeps that. */
  readonly hasLog: boolean;
  readonly engine: StorageEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const FOLDER = 'snapshots';
// Half a second of writes between one copy and the next is the most that was seen; ten times in a row means something else.
const TRIES = 10;

// Pieces of segments, which go along whole.
const CACHE = 'cache';
// Of what is free on the disk: intake must not be stopped for want of room.
const ROOM_SHARE = 0.8;

/** Throws `SNAPSHOT_UNSTABLE`, `SNAPSHOT_NO_ROOM`, `OBJECT_STORE_*`, and what the file system throws. */
export async function takeSnapshot(parts: SnapshotParts): Promise<{ readonly name: string }> {
  const { dataFolder, objects, hasLog, engine, clock, random, logger } = parts;
  const stamp = new Date(clock.nowMs()).toISOString().replace(/[-:]|\.\d+/g, '');
  const name = `${stamp}-${Buffer.from(random.bytes(4)).toString('hex')}`;
  const folder = join(dataFolder, FOLDER);
  const unfinished = join(folder, `.${name}`);
  await mkdir(unfinished, { recursive: true });
  try {
    const links = join(unfinished, 'links');
    if (hasLog) await linkJournals(join(dataFolder, 'log'), links);
    using held = new DisposableStack();
    const inBucket = await engine.whileStill(async () => {
      await copyStore(dataFolder, unfinished);
      const fetched = held.use(await copyObjects(objects, engine, unfinished));
      await until('rollup', () => copyRollup(dataFolder, unfinished));
      if (hasLog) await until('log', () => copyLog(dataFolder, links, unfinished));
      return fetched;
    });
    if (inBucket !== undefined) await fetchSegments(inBucket, join(unfinished, 'objects'), logger);
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

async function copyStore(dataFolder: string, into: string): Promise<void> {
  await copyFile(join(dataFolder, 'TIDEMARK'), join(into, 'TIDEMARK'));
  // Whose folder it is; that of the only store does not say.
  if (existsSync(join(dataFolder, 'STORE'))) await copyFile(join(dataFolder, 'STORE'), join(into, 'STORE'));
  // It is never behind the store, nor ahead of the log, which is copied later.
  await copyTree(join(dataFolder, 'repair'), join(into, 'repair'), copyFile);
  await copyTree(join(dataFolder, 'store'), join(into, 'store'), copyFile, [CACHE]);
}

/** Of a bucket the manifests; the segments that they name are held, and take longer. */
async function copyObjects(objects: Objects, engine: StorageEngine, into: string): Promise<HeldObjects | undefined> {
  const to = join(into, 'objects');
  if (objects.folder !== undefined) {
    const copy = (source: string, target: string) =>
      source.endsWith('.seg') ? linkOrCopy(source, target) : copyFile(source, target);
    await copyTree(objects.folder, to, copy);
    return undefined;
  }
  const held = await engine.holdObjects();
  try {
    await markSnapshot(into, objects.shown);
    for (const { name, bytes } of held.manifests) await writeObject(to, name, bytes);
    return held;
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

/** One at a time. What is damaged in the bucket, or missing there, is so in the snapshot: its answers warn as those of now do. */
async function fetchSegments(held: HeldObjects, into: string, logger: Logger): Promise<void> {
  const { bavail, bsize } = await statfs(into);
  refuseWithoutRoom(
    held.segments.reduce((sum, { size }) => sum + size, 0),
    bavail * bsize,
  );
  for (const segment of held.segments) {
    const path = join(into, segment.name);
    await mkdir(dirname(path), { recursive: true });
    try {
      // Damaged on its way, it comes whole the second time.
      if ((await fetchSegment(held, segment, path)) || (await fetchSegment(held, segment, path))) continue;
      logger.warn('a segment is damaged, and so it is in the snapshot', { segment: segment.name });
    } catch (error) {
      if (!isTidemarkError(error, 'OBJECT_NOT_FOUND')) throw error;
      await rm(path, { force: true });
      logger.warn('a segment is missing, and so it is in the snapshot', { segment: segment.name });
    }
  }
}

async function fetchSegment(held: HeldObjects, segment: HeldSegment, path: string): Promise<boolean> {
  const file = await open(path, 'w');
  try {
    return await held.read(segment, (piece) => file.writeFile(piece));
  } finally {
    await file.close();
  }
}

/** Throws `SNAPSHOT_NO_ROOM`. */
export function refuseWithoutRoom(bytes: number, free: number): void {
  if (bytes <= free * ROOM_SHARE) return;
  throw new TidemarkError(
    'SNAPSHOT_NO_ROOM',
    `sealed segments take ${bytes} bytes, ${free} are free here: a snapshot may take ${ROOM_SHARE * 100} % of that. Back up the bucket itself, or make room`,
    { bytes, free },
  );
}

async function writeObject(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes, { flag: 'wx' });
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
async function copyTree(
  from: string,
  to: string,
  copy: (from: string, to: string) => Promise<void>,
  without: readonly string[] = [],
): Promise<boolean> {
  await mkdir(to, { recursive: true });
  let whole = true;
  for (const entry of await entriesOf(from)) {
    if (without.includes(entry.name)) continue;
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
