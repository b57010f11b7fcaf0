import { ByteWriter, type Disk, type DiskFile, isTidemarkError, release } from '@tidemark/base';
import { storageError } from '../errors.ts';
import { checkpointName, parseCheckpointName } from '../filename.ts';
import { decodeHeader, decodeSections, encodeFileHead, encodeHeader, encodeSectionHead } from './codec.ts';
import { type CheckpointHeader, SECTION_END, SECTION_HEADER, type Section } from './format.ts';

// Writes a checkpoint beside the one before it, and finds the newest whole one.
//
//   .tmp written, synced ─> renamed ─> folder synced ─> older ones removed        at any crash, one whole file is there

/**
 * Returns its size. The sections are the writer's: their memory is given back as soon as they are written. When it resolves, this checkpoint is what a restart finds. When it rejects, a restart may find it or the one
 * before: call `withdrawCheckpoint` before touching anything that it names.
 */
export async function writeCheckpoint(
  disk: Disk,
  folder: string,
  header: CheckpointHeader,
  sections: readonly Section[],
): Promise<number> {
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
  await removeOlder(disk, folder, header.generation);
  return size;
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

async function removeOlder(disk: Disk, folder: string, newest: number): Promise<void> {
  try {
    for (const other of await disk.list(folder)) {
      const generation = parseCheckpointName(other);
      if (generation !== undefined && generation < newest) await disk.remove(`${folder}/${other}`);
    }
  } catch (error) {
    // The new one counts all the same; the next checkpoint removes what stayed.
    if (!isTidemarkError(error)) throw error;
  }
}

export interface LoadedCheckpoint {
  readonly header: CheckpointHeader;
  readonly sections: readonly { readonly id: number; readonly payload: Uint8Array }[];
  /** Newer files that are not whole: a crash before the rename was durable, or damage. */
  readonly damaged: readonly string[];
}

/** The newest whole checkpoint; undefined when there never was one. Throws `CHECKPOINT_CORRUPT` when none is whole. */
export async function readNewestCheckpoint(disk: Disk, folder: string): Promise<LoadedCheckpoint | undefined> {
  const names = (await disk.list(folder)).filter((name) => parseCheckpointName(name) !== undefined).reverse();
  const damaged: string[] = [];
  let cause: unknown;
  for (const name of names) {
    try {
      return { ...decodeCheckpoint(await disk.read(`${folder}/${name}`)), damaged };
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      damaged.push(name);
      cause = error;
    }
  }
  if (damaged.length === 0) return undefined;
  throw storageError(
    'CHECKPOINT_CORRUPT',
    `no checkpoint in ${folder} is whole (${damaged.join(', ')}); move the folder away to read the log from its beginning`,
    { folder },
    cause,
  );
}

export function decodeCheckpoint(bytes: Uint8Array): Omit<LoadedCheckpoint, 'damaged'> {
  const [first, ...sections] = decodeSections(bytes);
  if (first?.id !== SECTION_HEADER) throw storageError('CHECKPOINT_CORRUPT', 'a checkpoint without a header');
  return { header: decodeHeader(first.payload), sections };
}
