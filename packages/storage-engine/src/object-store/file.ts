import type { BigIntStats } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isTidemarkError, Mutex, systemCode } from '@tidemark/base';
import { storageError } from '../errors.ts';
import {
  checkObjectName,
  deleteOneByOne,
  type ObjectInfo,
  type ObjectStore,
  objectChanged,
  objectNotFound,
} from './object-store.ts';

// Objects as files below a folder.
//
//   put if absent    temporary file, fsync, link to the name (fails if taken), folder fsync
//   put if matches   temporary file, fsync, rename over the name, folder fsync        one at a time in this process
//
// An etag is inode, time and size: every content is a file of its own, made while the one before it still is there. Swaps exclude each other inside one process only: the folder belongs to one process, as
// the data folder does. Temporary files live in `.tmp` and are removed when the store is opened.

const TEMPORARY = '.tmp';

/** Opens (and makes) the folder. */
export async function openFileObjectStore(root: string): Promise<ObjectStore> {
  await rm(join(root, TEMPORARY), { recursive: true, force: true });
  await mkdir(join(root, TEMPORARY), { recursive: true });
  return new FileObjectStore(root);
}

class FileObjectStore implements ObjectStore {
  readonly #root: string;
  readonly #swaps = new Mutex();
  #temporaries = 0;

  constructor(root: string) {
    this.#root = root;
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    const path = this.#path(name);
    return this.#translate(name, async () => {
      const { path: temporary } = await this.#write(bytes);
      try {
        await makeFolderDurable(this.#root, dirname(path));
        await link(temporary, path);
        await syncFolder(dirname(path));
        return true;
      } catch (error) {
        if (systemCode(error) === 'EEXIST') return false;
        throw error;
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  putIfMatches(name: string, bytes: Uint8Array, etag: string): Promise<string> {
    const path = this.#path(name);
    return this.#swaps.run(() =>
      this.#translate(name, async () => {
        const info = await this.head(name);
        if (info?.etag !== etag) throw objectChanged(name, etag);
        const { path: temporary, etag: fresh } = await this.#write(bytes);
        await rename(temporary, path);
        await syncFolder(dirname(path));
        return fresh;
      }),
    );
  }

  async get(name: string): Promise<{ bytes: Uint8Array; etag: string }> {
    const path = this.#path(name);
    return this.#translate(name, async () => {
      const file = await open(path, 'r');
      try {
        const etag = etagOf(await file.stat({ bigint: true }));
        return { bytes: await file.readFile(), etag };
      } finally {
        await file.close();
      }
    });
  }

  async getRange(name: string, start: number, length: number): Promise<Uint8Array> {
    const path = this.#path(name);
    return this.#translate(name, async () => {
      const file = await open(path, 'r');
      try {
        const bytes = new Uint8Array(length);
        let filled = 0;
        while (filled < length) {
          const { bytesRead } = await file.read(bytes, filled, length - filled, start + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return bytes.subarray(0, filled);
      } finally {
        await file.close();
      }
    });
  }

  async head(name: string): Promise<ObjectInfo | undefined> {
    try {
      const stats = await this.#translate(name, () => stat(this.#path(name), { bigint: true }));
      return { name, size: Number(stats.size), etag: etagOf(stats) };
    } catch (error) {
      if (isTidemarkError(error, 'OBJECT_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const names: string[] = [];
    await this.#collect('', prefix, names);
    names.sort();
    for (const name of names) {
      const info = await this.head(name);
      if (info !== undefined) yield info;
    }
  }

  async delete(name: string): Promise<void> {
    const path = this.#path(name);
    await this.#translate(name, async () => {
      await rm(path, { force: true });
      await syncFolder(dirname(path)).catch((error: unknown) => {
        if (systemCode(error) !== 'ENOENT') throw error;
      });
    });
  }

  deleteAll(names: readonly string[]): Promise<ReadonlyMap<string, Error>> {
    return deleteOneByOne(this, names);
  }

  /** They are removed when the folder is opened. */
  async removeUnfinished(): Promise<number> {
    return 0;
  }

  #path(name: string): string {
    return join(this.#root, checkObjectName(name));
  }

  async #write(bytes: Uint8Array): Promise<{ path: string; etag: string }> {
    const path = join(this.#root, TEMPORARY, String(this.#temporaries++));
    const file = await open(path, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
      return { path, etag: etagOf(await file.stat({ bigint: true })) };
    } finally {
      await file.close();
    }
  }

  async #collect(folder: string, prefix: string, names: string[]): Promise<void> {
    for (const entry of await readdir(join(this.#root, folder), { withFileTypes: true })) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (name === TEMPORARY) continue;
      if (entry.isDirectory()) {
        const inside = `${name}/`;
        if (inside.startsWith(prefix) || prefix.startsWith(inside)) await this.#collect(name, prefix, names);
      } else if (name.startsWith(prefix)) names.push(name);
    }
  }

  async #translate<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const code = systemCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') throw objectNotFound(name, error);
      if (code?.startsWith('OBJECT_')) throw error;
      throw storageError('OBJECT_STORE_UNAVAILABLE', `object ${name}: ${code ?? String(error)}`, { name }, error);
    }
  }
}

function etagOf({ ino, mtimeNs, size }: BigIntStats): string {
  return `${ino.toString(16)}-${mtimeNs.toString(16)}-${size.toString(16)}`;
}

/** Makes the folder and syncs every folder on the way that is new. */
async function makeFolderDurable(root: string, folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let path = folder; path.length >= root.length; path = dirname(path)) await syncFolder(path);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
