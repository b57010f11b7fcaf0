import { type Disk, isTidemarkError } from '@tidemark/base';
import { SeriesFile } from '../checkpoint/series-file.ts';
import {
  parseCheckpointName,
  parseSeriesFileName,
  QUARANTINE_FOLDER,
  quarantineName,
  seriesFileName,
} from '../filename.ts';
import type { Shard } from './shard.ts';

// What a shard's folder keeps: two checkpoints, and the series file of each.
//
//   checkpoint A ──▶ series file a        older: what the log may let go is what this one has
//   checkpoint B ──▶ series file b        newest: what a start finds
//   checkpoint C goes with file a again, and A goes
//
// The newest one damaged, or its series file, a start goes back to the other, and the log brings what lies between.

/** The file that the checkpoint under way goes with, with all series below `count`. Throws `DISK_*`. */
export async function extendedSeriesFile(disk: Disk, folder: string, shard: Shard, count: number): Promise<SeriesFile> {
  if (shard.spareSeriesFile?.distrusted) {
    // As far as the older checkpoint wants it, it is synced; but nothing is written there again.
    await shard.spareSeriesFile.close();
    shard.spareSeriesFile = undefined;
  }
  shard.spareSeriesFile ??= await makeSeriesFile(disk, folder, shard);
  await shard.spareSeriesFile.extend(shard.registry, count);
  return shard.spareSeriesFile;
}

async function makeSeriesFile(disk: Disk, folder: string, shard: Shard): Promise<SeriesFile> {
  const number = shard.seriesFileLast + 1;
  await disk.makeFolder(folder);
  const file = await SeriesFile.create(disk, `${folder}/${seriesFileName(number)}`, number);
  shard.seriesFileLast = number;
  return file;
}

/** A checkpoint is durable: the one before it is the older now, if `isAlone`; else one from before that may be there still. */
export function keepBeside(
  shard: Shard,
  { generation, position, seriesFile }: { generation: number; position: number; seriesFile: SeriesFile },
  isAlone: boolean,
): void {
  if (isAlone || shard.older === undefined) shard.older = shard.newest;
  shard.newest = { generation, position, seriesFile: seriesFile.number };
  shard.generation = generation;
  shard.durablePosition = position;
  shard.spareSeriesFile = shard.seriesFile;
  shard.seriesFile = seriesFile;
}

export function damagedGenerations({ damagedFiles }: Shard): number[] {
  return damagedFiles.flatMap(({ path }) => parseCheckpointName(nameOf(path)) ?? []);
}

/** What was found damaged is kept aside, and series files go that nothing names. What stays costs space, and the next time takes it along. */
export async function clearFolder(disk: Disk, folder: string, shard: Shard): Promise<void> {
  try {
    for (const { what, path } of shard.damagedFiles) {
      await disk.makeFolder(QUARANTINE_FOLDER);
      if (await disk.exists(path)) await disk.rename(path, quarantineName(what, path));
    }
    shard.damagedFiles = [];
    const named = [shard.newest?.seriesFile, shard.older?.seriesFile];
    const latest = Math.max(...named.map((number) => number ?? -1));
    if (latest === shard.clearedThrough) return;
    for (const name of await disk.list(folder)) {
      const number = parseSeriesFileName(name);
      if (number !== undefined && !named.includes(number)) await disk.remove(`${folder}/${name}`);
    }
    shard.clearedThrough = latest;
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
  }
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
