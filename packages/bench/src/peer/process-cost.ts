import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

// What a process cost, from the kernel's own books.

// USER_HZ: the unit of utime and stime in /proc/<pid>/stat; 100 on every Linux that Node runs on.
const TICKS_PER_SECOND = 100;

/** CPU seconds, user and system, of all threads so far. */
export async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The command stands in parentheses and may hold spaces; utime and stime are fields 14 and 15.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Highest resident memory so far, bytes. */
export function peakMemoryBytes(pid: number): Promise<number> {
  return statusBytes(pid, 'VmHWM');
}

/** Resident memory now, bytes. */
export function memoryBytes(pid: number): Promise<number> {
  return statusBytes(pid, 'VmRSS');
}

/** Of it what no file stands behind, bytes: pages of mapped files leave when the kernel needs the room. */
export function anonymousBytes(pid: number): Promise<number> {
  return statusBytes(pid, 'RssAnon');
}

async function statusBytes(pid: number, field: string): Promise<number> {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(await readFile(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1]) * 1024;
}

/** Bytes the files of a folder take up. */
export async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    // A file that was removed meanwhile takes nothing.
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    bytes += found === undefined ? 0 : found.blocks * 512;
  }
  return bytes;
}
