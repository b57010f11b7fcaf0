import { readdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';

// What the readers ask of the machine, so that tests can hand them captured files. Paths are absolute, as on the host
// (`/proc/stat`); `nodeHostFiles('/elsewhere')` looks for them below another root.

export interface HostFiles {
  /** The whole file as text. Rejects as Node does (`ENOENT`, `EACCES`). */
  text(path: string): Promise<string>;
  /** The names in a folder, sorted. Rejects as Node does. */
  names(path: string): Promise<readonly string[]>;
  /** What `statfs(2)` says of the filesystem mounted there. May hang as long as a dead network filesystem hangs. */
  filesystem(path: string): Promise<FilesystemNumbers>;
}

export interface FilesystemNumbers {
  readonly blockBytes: number;
  readonly blocks: number;
  readonly blocksFree: number;
  /** For users other than root. */
  readonly blocksAvailable: number;
  readonly files: number;
  readonly filesFree: number;
}

export function nodeHostFiles(root = '/'): HostFiles {
  return {
    text: (path) => readFile(join(root, path), 'utf8'),
    names: async (path) => (await readdir(join(root, path))).sort(),
    async filesystem(path) {
      const found = await statfs(join(root, path));
      return {
        blockBytes: found.bsize,
        blocks: found.blocks,
        blocksFree: found.bfree,
        blocksAvailable: found.bavail,
        files: found.files,
        filesFree: found.ffree,
      };
    },
  };
}

/** The text, or undefined when there is no such file here or it cannot be read: for what a kernel may not have. */
export async function optionalText(files: HostFiles, path: string): Promise<string | undefined> {
  try {
    return await files.text(path);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** Whether the machine said "that isn't here" or "not for you", rather than failing. */
export function isAbsence(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  // ENODEV, EINVAL, EOPNOTSUPP: sysfs attributes that exist by name only.
  return (
    code === 'ENOENT' ||
    code === 'ENOTDIR' ||
    code === 'EACCES' ||
    code === 'EPERM' ||
    code === 'ENODEV' ||
    code === 'EINVAL' ||
    code === 'EOPNOTSUPP'
  );
}
