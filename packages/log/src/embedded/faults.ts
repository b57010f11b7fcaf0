import { type ErrorDetails, isTidemarkError, messageOf, TidemarkError } from '@tidemark/base';

// The faults of the embedded log's files.

/** Rot: bytes that were on disk once and are no longer what they were. */
export function corrupt(path: string, what: string, details: ErrorDetails = {}): TidemarkError {
  const at = details['position'] === undefined ? '' : ` at byte ${details['position']}`;
  return new TidemarkError(
    'LOG_CORRUPT',
    `${path}${at}: ${what}. Nothing was changed. Look with "tidemark inspect journal", check the disk, put the folder back ` +
      'from a copy; or let "tidemark repair" say what would be lost, and cut the journal here.',
    { path, ...details },
  );
}

export function storeCorrupt(path: string, topic: string, what: string): TidemarkError {
  return new TidemarkError(
    'LOG_CORRUPT',
    `${path}: the store of ${topic}: ${what}. Nothing was changed. Check the disk, put the folder of the log back from a copy; or ` +
      'let "tidemark repair" say what would be lost, and "tidemark repair --cut" make it anew of what can still be read.',
    { path, topic },
  );
}

export function foreign(path: string): TidemarkError {
  return new TidemarkError(
    'LOG_FOREIGN',
    `${path} is not a Tidemark journal file. Is this the right folder? Move the file away to go on.`,
    { path },
  );
}

export function versionUnknown(path: string, found: number, known: number): TidemarkError {
  return new TidemarkError(
    'LOG_VERSION',
    `${path} has journal format version ${found}, this program knows ${known}: a newer Tidemark wrote it. Use that one.`,
    { path, found, known },
  );
}

export function locked(folder: string, pid: number): TidemarkError {
  return new TidemarkError('LOG_LOCKED', `the log in ${folder} is in use by process ${pid}; one process at a time`, {
    folder,
    pid,
  });
}

/** A disk's fault in the log's words. */
export function fromDisk(error: unknown, doing: string): TidemarkError {
  if (isTidemarkError(error) && !error.code.startsWith('DISK_')) return error;
  if (isTidemarkError(error, 'DISK_FULL')) {
    return new TidemarkError(
      'LOG_FULL',
      `${doing}: the disk is full. Nothing acknowledged is lost; appends go on when there is room.`,
      error.details,
      error,
    );
  }
  const details = isTidemarkError(error) ? error.details : {};
  return new TidemarkError('LOG_IO', `${doing}: ${messageOf(error)}`, details, error);
}

/** Runs `work`; a disk's fault comes out in the log's words. */
export async function tryDisk<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('DISK_'))
      throw fromDisk(error, doing);
    throw error;
  }
}
