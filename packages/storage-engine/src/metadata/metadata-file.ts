import type { Disk } from '@tidemark/base';
import { METADATA_FILE } from '../filename.ts';
import { loadTwice, saveTwice } from '../kept-twice.ts';
import type { Quarantine } from '../quarantine.ts';
import { decodeMetadataFile, encodeMetadataFile } from './codec.ts';
import type { Metadata } from './metadata.ts';

// Metadata on disk: a file beside the shards, kept twice, written after their checkpoints. What the log brought between a shard's
// checkpoint and the file is lost by a crash just then, until its source says it again: within minutes.

/** Nothing when there is no file yet, or neither copy is whole: sources will say everything again. */
export async function loadMetadata(disk: Disk, metadata: Metadata, quarantine: Quarantine): Promise<void> {
  const found = await loadTwice({ disk, name: METADATA_FILE, decode: decodeMetadataFile, quarantine });
  metadata.restore(found.content ?? []);
  if (!found.isSettled) metadata.notSaved();
}

/** Writes the file if it would say something new. Throws `DISK_FULL`, `DISK_IO`. */
export async function saveMetadata(disk: Disk, metadata: Metadata, nowMs: number): Promise<void> {
  metadata.expire(nowMs);
  const tenants = metadata.toSave();
  if (tenants === undefined) return;
  metadata.saving();
  try {
    await saveTwice(disk, METADATA_FILE, encodeMetadataFile(tenants));
  } catch (error) {
    metadata.notSaved();
    throw error;
  }
}
