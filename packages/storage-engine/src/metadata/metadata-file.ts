import { type Disk, isTidemarkError } from '@tidemark/base';
import { METADATA_FILE } from '../filename.ts';
import type { Quarantine } from '../partition/window.ts';
import { decodeMetadataFile, encodeMetadataFile } from './codec.ts';
import type { Metadata } from './metadata.ts';

// Metadata on disk: one file beside the shards, written after their checkpoints. What the log brought between a shard's
// checkpoint and the file is lost by a crash just then, until its source says it again: within minutes.

/** Nothing when there is no file yet; a damaged one is kept aside, and sources will say everything again. */
export async function loadMetadata(disk: Disk, metadata: Metadata, quarantine: Quarantine): Promise<void> {
  let bytes: Uint8Array;
  try {
    bytes = await disk.read(METADATA_FILE);
  } catch (error) {
    if (isTidemarkError(error, 'DISK_NOT_FOUND')) return;
    throw error;
  }
  try {
    metadata.restore(decodeMetadataFile(bytes));
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    quarantine('metadata', METADATA_FILE, bytes);
  }
}

/** Writes the file if it would say something new. Throws `DISK_FULL`, `DISK_IO`. */
export async function saveMetadata(disk: Disk, metadata: Metadata, nowMs: number): Promise<void> {
  metadata.expire(nowMs);
  const tenants = metadata.toSave();
  if (tenants === undefined) return;
  metadata.saving();
  try {
    await disk.writeAtomic(METADATA_FILE, encodeMetadataFile(tenants));
  } catch (error) {
    metadata.notSaved();
    throw error;
  }
}
