import { type Disk, isTidemarkError, messageOf } from '@tidemark/base';
import { decodeTombstones } from '../deletes/tombstone.ts';
import { decodeExemplarsFile } from '../exemplars/codec.ts';
import {
  copyName,
  DISK_CACHE_FOLDER,
  EXEMPLARS_FILE,
  METADATA_FILE,
  QUARANTINE_FOLDER,
  TOMBSTONES_FILE,
} from '../filename.ts';
import { decodeMetadataFile } from '../metadata/codec.ts';
import { objectKey, openPiece, parsePieceName } from '../object-store/piece.ts';
import type { Verified } from './verify.ts';

/** Files of the store's folder beside shards; and whatever nobody has accounted for. */
export async function* verifyOthers(
  disk: Disk,
  seen: ReadonlySet<string>,
  objects: Iterable<string>,
): AsyncGenerator<Verified> {
  yield* verifyCache(disk, objects);
  for await (const file of filesBelow(disk, '', new Set([...seen, DISK_CACHE_FOLDER]))) {
    const says = [...KEPT].find(([name]) => file === name || file === copyName(name))?.[1];
    if (says !== undefined) yield await verifyKept(disk, file, says);
    else if (file.startsWith(`${QUARANTINE_FOLDER}/opening-`)) {
      yield { file, verdict: 'orphan', detail: 'a start was interrupted; the next one goes on with it' };
    } else if (file.startsWith(`${QUARANTINE_FOLDER}/`)) {
      yield { file, verdict: 'orphan', detail: 'found damaged earlier and kept aside for people' };
    } else yield { file, verdict: 'orphan', detail: 'nothing names it' };
  }
}

/** All pieces together, there are many. None is ever missed: what is not whole is fetched again. */
async function* verifyCache(disk: Disk, objects: Iterable<string>): AsyncGenerator<Verified> {
  const names = new Map([...objects].map((name) => [objectKey(name), name]));
  const counts = { whole: 0, others: 0, torn: 0 };
  for (const file of await disk.list(DISK_CACHE_FOLDER)) {
    const piece = parsePieceName(file);
    const name = piece && names.get(piece.key);
    if (piece === undefined || name === undefined) counts.others++;
    else {
      const bytes = openPiece(await disk.read(`${DISK_CACHE_FOLDER}/${file}`), name, piece.number);
      if (bytes?.length === piece.bytes) counts.whole++;
      else counts.torn++;
    }
  }
  const { whole, others, torn } = counts;
  if (whole > 0) yield { file: DISK_CACHE_FOLDER, verdict: 'ok', detail: `${whole} pieces of segments` };
  if (torn > 0) {
    yield {
      file: DISK_CACHE_FOLDER,
      verdict: 'orphan',
      detail: `${torn} pieces are not whole; they are fetched again`,
    };
  }
  if (others > 0) {
    yield { file: DISK_CACHE_FOLDER, verdict: 'orphan', detail: `${others} files are of no segment; they go in time` };
  }
}

/** Those that are kept twice: what their content says of itself. Throws where it is damaged. */
const KEPT: ReadonlyMap<string, (bytes: Uint8Array) => string> = new Map([
  [METADATA_FILE, (bytes) => `${sum(decodeMetadataFile(bytes).map(({ entries }) => entries.length))} metrics`],
  [EXEMPLARS_FILE, (bytes) => `${sum(decodeExemplarsFile(bytes).map((one) => one.exemplars.length))} exemplars`],
  [TOMBSTONES_FILE, (bytes) => `${decodeTombstones(bytes).tombstones.length} deletes`],
]);

const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);

async function verifyKept(disk: Disk, file: string, says: (bytes: Uint8Array) => string): Promise<Verified> {
  try {
    return { file, verdict: 'ok', detail: says(await disk.read(file)) };
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return { file, verdict: 'damaged', detail: messageOf(error) };
  }
}

async function* filesBelow(disk: Disk, folder: string, seen: ReadonlySet<string>): AsyncGenerator<string> {
  for (const name of await disk.list(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`;
    if (seen.has(path.replace(/\/$/, ''))) continue;
    // A database that was kept is one thing.
    if (path.endsWith('/') && folder === QUARANTINE_FOLDER) yield path.slice(0, -1);
    else if (path.endsWith('/')) yield* filesBelow(disk, path.slice(0, -1), seen);
    else yield path;
  }
}
