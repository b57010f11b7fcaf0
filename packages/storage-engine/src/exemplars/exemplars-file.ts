import type { Disk } from '@tidemark/base';
import { EXEMPLARS_FILE } from '../filename.ts';
import { loadTwice, saveTwice } from '../kept-twice.ts';
import type { Quarantine } from '../quarantine.ts';
import { decodeExemplarsFile, encodeExemplarsFile } from './codec.ts';
import type { Exemplars } from './exemplars.ts';

// Exemplars on disk: a file beside the shards, kept twice, written after their checkpoints and replaced whole. It has at least what the
// checkpoints have, so what the log brings again after a crash adds nothing to it; a crash between the two loses what came since
// the file before.

/** Nothing when there is no file yet; where both copies are damaged exemplars begin anew, and answers say so. */
export async function loadExemplars(
  disk: Disk,
  exemplars: Exemplars,
  nowMs: number,
  quarantine: Quarantine,
): Promise<void> {
  const found = await loadTwice({ disk, name: EXEMPLARS_FILE, decode: decodeExemplarsFile, quarantine });
  for (const { tenant, exemplars: some } of found.content ?? []) {
    for (const one of some) exemplars.add(tenant, one, nowMs);
  }
  exemplars.loaded(found, nowMs);
}

/** Writes the file if it would say something new. Throws `DISK_FULL`, `DISK_IO`. */
export async function saveExemplars(disk: Disk, exemplars: Exemplars, nowMs: number): Promise<void> {
  exemplars.expire(nowMs);
  if (!exemplars.changed) return;
  exemplars.saving();
  try {
    await saveTwice(disk, EXEMPLARS_FILE, encodeExemplarsFile(exemplars.tenants()));
  } catch (error) {
    exemplars.notSaved();
    throw error;
  }
}
