import { TidemarkError } from '../error.ts';

// What both disks agree on about names.

/** Ends the name of the temporary file of `writeAtomic`; such names belong to the disk alone. */
export const ATOMIC_SUFFIX = '.atomic~';

export function isVisible(name: string): boolean {
  return !name.endsWith(ATOMIC_SUFFIX);
}

/** The path without needless `.` and `/`. Throws `DISK_PATH` for absolute paths, `..` and NUL. */
export function safePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || path.includes('\0') || path.includes('\\') || parts.includes('..')) {
    throw new TidemarkError('DISK_PATH', `path ${JSON.stringify(path)} leaves the disk's root`, { path });
  }
  return parts.join('/');
}
