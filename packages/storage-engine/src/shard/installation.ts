import { createHash } from 'node:crypto';
import { bytesEqual } from '@tidemark/base';
import type { CheckpointHeader } from '../checkpoint/format.ts';
import { storageError } from '../errors.ts';

/** Says whose data it is without saying the key. */
export function installationMark(key: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update('tidemark installation').update(key).digest().subarray(0, 8));
}

/** Throws `STORAGE_FOREIGN`. */
export function checkHeader(header: CheckpointHeader, key: Uint8Array, folder: string): void {
  const mark = installationMark(key);
  if (!bytesEqual(mark, 0, mark.length, header.installation, 0, header.installation.length)) {
    throw storageError(
      'STORAGE_FOREIGN',
      `${folder} was written by an installation with another key; use that key, or move the folder away`,
      { folder },
    );
  }
}
