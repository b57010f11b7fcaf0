import { mkdirSync } from 'node:fs';
import { constants, type FileHandle, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemCode, TidemarkError } from '../error.ts';
import { Mutex } from '../mutex.ts';
import type { Disk, DiskFile } from './disk.ts';
import { ATOMIC_SUFFIX, isVisible, safePath } from './path.ts';

// The disk port on a real folder. What is synced, and when:
//
//   append        one writev, nothing synced                  sync         fdatasync: the bytes, and the length to find them by
//   truncate      nothing synced (a later sync covers it)     syncFolder   fsync of the folder
//   rename        nothing synced                              remove       nothing synced
//   makeFolder    fsync of the parent of each folder it had to create
//   writeAtomic   write `name.atomic~`, fdatasync, rename, fsync of the folder; a crash leaves at most the temporary
//                 file, which `list` never shows and the next writeAtomic of that name replaces
//   createExclusive   the same, but by link(2), which refuses to replace
//
// A sync that failed is not repeated: the kernel may have dropped the dirty pages and would answer "fine" the second
// time. Until the file is truncated below what was never synced, or opened anew, `append` and `sync` refuse (DISK_IO).

/** A disk whose root is `rootFolder`; made if it is missing. Throws `DISK_IO` when it cannot be. */
export function nodeDisk(rootFolder: string): Disk {
  const root = resolve(rootFolder);
  try {
    mkdirSync(root, { recursive: true });
  } catch (cause) {
    throw diskError(cause, 'make', root);
  }
  return new NodeDisk(root);
}

class NodeDisk implements Disk {
  readonly nativePath: (path: string) => string;
  readonly #root: string;
  /** Two writers of one name share its temporary file. */
  readonly #atomic = new Mutex();

  constructor(root: string) {
    this.#root = root;
    this.nativePath = (path) => join(this.#root, safePath(path));
  }

  async open(path: string, options: { readonly create?: boolean } = {}): Promise<DiskFile> {
    const native = this.nativePath(path);
    return this.#try('open', path, async () => {
      if (options.create) await this.#makeFolders(dirname(native));
      const handle = await openForAppend(native, options.create === true);
      try {
        return new NodeFile(path, handle, (await handle.stat()).size);
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  async read(path: string): Promise<Uint8Array> {
    const buffer = await this.#try('read', path, () => readFile(this.nativePath(path)));
    // A plain array over the same memory: `slice` of a Buffer would not copy.
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  }

  async writeAtomic(path: string, bytes: Uint8Array): Promise<void> {
    const native = this.nativePath(path);
    await this.#atomic.run(() =>
      this.#try('write', path, async () => {
        const temporary = native + ATOMIC_SUFFIX;
        await this.#writeTemporary(temporary, bytes);
        await rename(temporary, native);
        await syncFolderAt(dirname(native));
      }),
    );
  }

  async createExclusive(path: string, bytes: Uint8Array): Promise<boolean> {
    const native = this.nativePath(path);
    return this.#atomic.run(() =>
      this.#try('create', path, async () => {
        // Another process may be asking for the same name right now.
        const temporary = `${native}.${process.pid}${ATOMIC_SUFFIX}`;
        await this.#writeTemporary(temporary, bytes);
        try {
          await link(temporary, native);
        } catch (error) {
          if (systemCode(error) === 'EEXIST') return false;
          throw error;
        } finally {
          await rm(temporary, { force: true });
        }
        await syncFolderAt(dirname(native));
        return true;
      }),
    );
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#try('rename', from, () => rename(this.nativePath(from), this.nativePath(to)));
  }

  async remove(path: string): Promise<void> {
    await this.#try('remove', path, () => rm(this.nativePath(path), { force: true }));
  }

  async removeFolder(path: string): Promise<void> {
    await this.#try('remove', path, () => rm(this.nativePath(path), { force: true, recursive: true }));
  }

  async makeFolder(path: string): Promise<void> {
    await this.#try('make', path, () => this.#makeFolders(this.nativePath(path)));
  }

  async list(path: string): Promise<string[]> {
    return this.#try('list', path, async () => {
      try {
        const entries = await readdir(this.nativePath(path), { withFileTypes: true });
        return entries
          .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
          .filter(isVisible)
          .sort();
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return [];
        throw error;
      }
    });
  }

  async exists(path: string): Promise<boolean> {
    return this.#try('look at', path, async () => {
      try {
        await stat(this.nativePath(path));
        return true;
      } catch (error) {
        if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return false;
        throw error;
      }
    });
  }

  async size(path: string): Promise<number> {
    return (await this.#try('look at', path, () => stat(this.nativePath(path)))).size;
  }

  async syncFolder(path: string): Promise<void> {
    await this.#try('sync', path, () => syncFolderAt(this.nativePath(path)));
  }

  async #writeTemporary(temporary: string, bytes: Uint8Array): Promise<void> {
    await this.#makeFolders(dirname(temporary));
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(bytes);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }

  async #makeFolders(native: string): Promise<void> {
    const first = await mkdir(native, { recursive: true });
    if (first === undefined) return;
    // Every folder from the first new one down is new: its name lives in its parent.
    for (let made = native; ; made = dirname(made)) {
      await syncFolderAt(dirname(made));
      if (made === first) return;
    }
  }

  async #try<T>(verb: string, path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw diskError(cause, verb, path);
    }
  }
}

class NodeFile implements DiskFile {
  readonly #path: string;
  #handle: FileHandle | undefined;
  #size: number;
  #syncedSize: number;
  #syncFailed = false;

  constructor(path: string, handle: FileHandle, size: number) {
    this.#path = path;
    this.#handle = handle;
    this.#size = size;
    this.#syncedSize = size;
  }

  get size(): number {
    return this.#size;
  }

  async append(pieces: readonly Uint8Array[]): Promise<void> {
    const handle = this.#openHandle();
    this.#refuseAfterFailedSync();
    let left = pieces;
    try {
      while (left.length > 0) {
        const { bytesWritten } = await handle.writev(left);
        this.#size += bytesWritten;
        left = piecesAfter(left, bytesWritten);
      }
    } catch (cause) {
      // A part may have been written: ask the file, or keep our count when it does not even answer that.
      const now = await handle.stat().catch(() => undefined);
      if (now) this.#size = now.size;
      throw diskError(cause, 'append to', this.#path);
    }
  }

  async readAt(position: number, into: Uint8Array): Promise<number> {
    const handle = this.#openHandle();
    let filled = 0;
    try {
      while (filled < into.length) {
        const { bytesRead } = await handle.read(into, filled, into.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } catch (cause) {
      throw diskError(cause, 'read', this.#path);
    }
    return filled;
  }

  async truncate(size: number): Promise<void> {
    const handle = this.#openHandle();
    try {
      await handle.truncate(size);
    } catch (cause) {
      throw diskError(cause, 'truncate', this.#path);
    }
    this.#size = size;
    if (size <= this.#syncedSize) {
      this.#syncedSize = size;
      this.#syncFailed = false;
    }
  }

  async sync(): Promise<void> {
    const handle = this.#openHandle();
    this.#refuseAfterFailedSync();
    const size = this.#size;
    try {
      await handle.datasync();
    } catch (cause) {
      this.#syncFailed = true;
      throw diskError(cause, 'sync', this.#path);
    }
    this.#syncedSize = Math.max(this.#syncedSize, Math.min(size, this.#size));
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    try {
      await handle?.close();
    } catch (cause) {
      throw diskError(cause, 'close', this.#path);
    }
  }

  #openHandle(): FileHandle {
    if (this.#handle) return this.#handle;
    throw new TidemarkError('DISK_CLOSED', `${this.#path} is closed`, { path: this.#path });
  }

  #refuseAfterFailedSync(): void {
    if (!this.#syncFailed) return;
    throw new TidemarkError('DISK_IO', `${this.#path} failed to sync before; what it holds since is unknown`, {
      path: this.#path,
      syncedSize: this.#syncedSize,
    });
  }
}

/** For appending; for reading only where that is all we may (an inspector on somebody else's folder). */
async function openForAppend(native: string, create: boolean): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_APPEND;
  if (create) return open(native, flags | constants.O_CREAT, 0o644);
  try {
    return await open(native, flags);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return open(native, constants.O_RDONLY);
    throw error;
  }
}

async function syncFolderAt(native: string): Promise<void> {
  // Windows has no way to sync a folder; NTFS journals names by itself.
  if (process.platform === 'win32') return;
  const handle = await open(native, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function piecesAfter(pieces: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i] as Uint8Array;
    if (written < piece.length) return [piece.subarray(written), ...pieces.slice(i + 1)];
    written -= piece.length;
  }
  return [];
}

function diskError(cause: unknown, verb: string, path: string): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  const system = systemCode(cause);
  const details = { path, system };
  switch (system) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new TidemarkError('DISK_FULL', `cannot ${verb} ${path}: the disk is full`, details, cause);
    case 'ENOENT':
      return new TidemarkError('DISK_NOT_FOUND', `cannot ${verb} ${path}: there is no such file`, details, cause);
    default:
      return new TidemarkError('DISK_IO', `cannot ${verb} ${path}: ${system ?? String(cause)}`, details, cause);
  }
}
