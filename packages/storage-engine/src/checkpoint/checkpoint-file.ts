import { ByteWriter, type Disk, type DiskFile, isTidemarkError, release } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { checkpointName, parseCheckpointName } from '../filename.ts';
import {
  decodeFirstSection,
  decodeHeader,
  decodeSections,
  encodeFileHead,
  encodeHeader,
  encodeSectionHead,
} from './codec.ts';
import { type CheckpointHeader, SECTION_END, SECTION_HEADER, type Section } from './format.ts';

// Writes a checkpoint beside the one before it, which stays: what a bit that flips in one costs is what the other has not.
//
//   .tmp written, synced ─> renamed ─> folder synced ─> all but the two newest removed     at any crash, one whole file is there

export interface WrittenCheckpoint {
  readonly size: number;
  /** No start finds an older one that is not kept. */
  readonly isAlone: boolean;
}

/**
 * The sections are the writer's: their memory is given back as soon as they are written. When it resolves, this checkpoint is what a restart finds. When it rejects, a restart may find it or the one
 * before: call `withdrawCheckpoint` before touching anything that it names. Older ones go, but for those of generations that are `kept`.
 */
export async function writeCheckpoint(
  disk: Disk,
  folder: string,
  header: CheckpointHeader,
  sections: readonly Section[],
  kept: readonly number[] = [],
): Promise<WrittenCheckpoint> {
  const name = checkpointName(header.generation);
  const temporary = `${folder}/${name}.tmp`;
  await disk.remove(temporary);
  const file = await disk.open(temporary, { create: true });
  let size = 0;
  try {
    const all: Section[] = [{ id: SECTION_HEADER, pieces: [encodeHeader(header)] }, ...sections];
    const end = new ByteWriter(4);
    end.u32(all.length);
    all.push({ id: SECTION_END, pieces: [end.finish()] });
    await file.append([encodeFileHead()]);
    for (const section of all) {
      await file.append([encodeSectionHead(section), ...section.pieces]);
      release(section.pieces);
    }
    size = file.size;
    await file.sync();
    await file.close();
  } catch (error) {
    await giveUp(disk, file, temporary);
    throw error;
  }
  await disk.rename(temporary, `${folder}/${name}`);
  await disk.syncFolder(folder);
  return { size, isAlone: await removeOlder(disk, folder, header.generation, kept) };
}

/** Half a checkpoint must not keep a full disk full. What is in the way of that matters less than what was in the way before. */
async function giveUp(disk: Disk, file: DiskFile, path: string): Promise<void> {
  try {
    await file.close();
    await disk.remove(path);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
  }
}

/** Makes sure that no restart finds a checkpoint of this generation, of which nobody knows whether it was written. */
export async function withdrawCheckpoint(disk: Disk, folder: string, generation: number): Promise<void> {
  await disk.remove(`${folder}/${checkpointName(generation)}`);
  await disk.syncFolder(folder);
}

/** Whether they are gone for good: one that comes back after a loss of power is one that a start may go on from. */
async function removeOlder(disk: Disk, folder: string, newest: number, kept: readonly number[]): Promise<boolean> {
  try {
    let removed = 0;
    for (const { path, generation } of await listCheckpoints(disk, folder)) {
      if (generation >= newest || kept.includes(generation)) continue;
      await disk.remove(path);
      removed++;
    }
    if (removed > 0) await disk.syncFolder(folder);
    return true;
  } catch (error) {
    // The new one counts all the same; the next checkpoint removes what stayed.
    if (!isTidemarkError(error)) throw error;
    return false;
  }
}

export interface LoadedCheckpoint {
  readonly header: CheckpointHeader;
  readonly sections: readonly { readonly id: number; readonly payload: Uint8Array }[];
}

export interface CheckpointFile {
  readonly path: string;
  readonly generation: number;
}

/** Newest first, whole or not. */
export async function listCheckpoints(disk: Disk, folder: string): Promise<CheckpointFile[]> {
  const files: CheckpointFile[] = [];
  for (const name of await disk.list(folder)) {
    const generation = parseCheckpointName(name);
    if (generation !== undefined) files.push({ path: `${folder}/${name}`, generation });
  }
  return files.reverse();
}

/** Throws `CHECKPOINT_CORRUPT`, `BYTES_MALFORMED`, `DISK_*`. */
export async function readCheckpoint(disk: Disk, path: string): Promise<LoadedCheckpoint> {
  return decodeCheckpoint(await disk.read(path));
}

export function decodeCheckpoint(bytes: Uint8Array): LoadedCheckpoint {
  const [first, ...sections] = decodeSections(bytes);
  if (first?.id !== SECTION_HEADER) throw storageError('CHECKPOINT_CORRUPT', 'a checkpoint without a header');
  return { header: decodeHeader(first.payload), sections };
}

// A header is some hundred bytes, and 25 a window: most are whole in the first piece.
const HEADER_BYTES = [16 * 1024, 1024 * 1024];

/** What a checkpoint says of itself, whatever else of it is damaged; undefined where that is. Throws `DISK_*`. */
export async function readCheckpointHeader(disk: Disk, path: string): Promise<CheckpointHeader | undefined> {
  const file = await disk.open(path);
  try {
    for (const most of HEADER_BYTES) {
      const bytes = new Uint8Array(Math.min(file.size, most));
      const payload = decodeFirstSection(bytes.subarray(0, await file.readAt(0, bytes)));
      if (payload !== undefined) return decodeHeader(payload);
    }
    return undefined;
  } catch (error) {
    if (!isTidemarkError(error) || error.code.startsWith('DISK_')) throw error;
    return undefined;
  } finally {
    await file.close();
  }
}
