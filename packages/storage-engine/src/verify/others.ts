import { type Disk, isTidemarkError, messageOf } from '@tidemark/base';
import { decodeTombstones } from '../deletes/tombstone.ts';
import { METADATA_FILE, QUARANTINE_FOLDER, TOMBSTONES_FILE } from '../filename.ts';
import { decodeMetadataFile } from '../metadata/codec.ts';
import type { Verified } from './verify.ts';

/** Files of the store's folder beside shards; and whatever nobody has accounted for. */
export async function* verifyOthers(disk: Disk, seen: ReadonlySet<string>): AsyncGenerator<Verified> {
  for await (const file of filesBelow(disk, '', seen)) {
    if (file === METADATA_FILE) yield await verifyMetadata(disk);
    else if (file === TOMBSTONES_FILE) yield await verifyTombstones(disk);
    else if (file.startsWith(`${QUARANTINE_FOLDER}/`)) {
      yield { file, verdict: 'orphan', detail: 'found damaged earlier and kept aside for people' };
    } else yield { file, verdict: 'orphan', detail: 'nothing names it' };
  }
}

async function verifyMetadata(disk: Disk): Promise<Verified> {
  try {
    const tenants = decodeMetadataFile(await disk.read(METADATA_FILE));
    const metrics = tenants.reduce((sum, { entries }) => sum + entries.length, 0);
    return { file: METADATA_FILE, verdict: 'ok', detail: `${metrics} metrics` };
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return { file: METADATA_FILE, verdict: 'damaged', detail: messageOf(error) };
  }
}

async function verifyTombstones(disk: Disk): Promise<Verified> {
  try {
    const tombstones = decodeTombstones(await disk.read(TOMBSTONES_FILE));
    return { file: TOMBSTONES_FILE, verdict: 'ok', detail: `${tombstones.length} deletes` };
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return { file: TOMBSTONES_FILE, verdict: 'damaged', detail: messageOf(error) };
  }
}

async function* filesBelow(disk: Disk, folder: string, seen: ReadonlySet<string>): AsyncGenerator<string> {
  for (const name of await disk.list(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`;
    if (seen.has(path.replace(/\/$/, ''))) continue;
    if (path.endsWith('/')) yield* filesBelow(disk, path.slice(0, -1), seen);
    else yield path;
  }
}
