import { link, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isTidemarkError, levelProblem, nodeDisk, type SalvagedEntry, salvageLevel, systemCode } from '@tidemark/base';
import { ClassicLevel } from 'classic-level';
import { AbstractLevelStore, levelError } from './abstract-level-store.ts';
import type { LevelStores } from './level-store.ts';

// Of log before a table is written, per open database, and as much again while that happens. 1 MiB: what a checkpoint of some
// 10,000 series brings; twelve of 4 MiB were a tenth of the process.
const WRITE_BUFFER_BYTES = 1024 * 1024;
// 4 MiB: as much as a checkpoint writes at once.
const SALVAGED_AT_ONCE = 4 * 1024 * 1024;
// Blocks are cached above this, verified; LevelDB's own cache would hold them twice.
const CACHE_BYTES = 1024 * 1024;

// What a database is made of; the rest is a lock, and what LevelDB tells people. LevelDB writes none of these again once another
// process wrote them, so links keep them as they are.
const CONTENT = /^(CURRENT|MANIFEST-\d+|\d+\.(log|ldb|sst))$/;
// Of a name while its files are being linked, or removed: what some of them are left of is nothing.
const PART = '.part';
const GONE = '.gone';
// A file system without links, or one that nobody may write.
const NO_LINKS = new Set(['EACCES', 'EROFS', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK']);

/** LevelDB databases in folders below `root`. */
export function nativeLevelStores(root: string): LevelStores {
  const disk = nodeDisk(root);
  return {
    async open(path, { create }) {
      const folder = join(root, path);
      const isNew = create && (await mkdir(folder, { recursive: true })) !== undefined;
      const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, {
        keyEncoding: 'view',
        valueEncoding: 'view',
        createIfMissing: create,
        // Our blocks are bit-packed: snappy finds nothing in them.
        compression: false,
        writeBufferSize: WRITE_BUFFER_BYTES,
        cacheSize: CACHE_BYTES,
      });
      try {
        await level.open();
      } catch (error) {
        throw levelError(path, error);
      }
      try {
        if (isNew) await syncParents(root, folder);
      } catch (error) {
        // An open database keeps its lock: nobody could open it again.
        await level.close();
        throw levelError(path, error);
      }
      return new AbstractLevelStore(level, path);
    },
    async list(folder) {
      try {
        const entries = await readdir(join(root, folder), { withFileTypes: true });
        return entries
          .filter((entry) => entry.isDirectory())
          .map((entry) => entry.name)
          .sort();
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return [];
        throw error;
      }
    },
    async destroy(path) {
      const gone = `${join(root, path)}${GONE}`;
      await rm(gone, { recursive: true, force: true });
      try {
        await rename(join(root, path), gone);
        await syncFolder(dirname(gone));
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return;
        throw levelError(path, error);
      }
      await rm(gone, { recursive: true, force: true });
    },
    async twin(path, to) {
      const [from, made] = [join(root, path), join(root, to)];
      const names = (await namesIn(from)).filter((name) => CONTENT.test(name));
      if (names.length === 0) return false;
      const part = `${made}${PART}`;
      try {
        await rm(part, { recursive: true, force: true });
        await mkdir(part, { recursive: true });
        for (const name of names) await link(join(from, name), join(part, name));
        await rename(part, made);
        return true;
      } catch (error) {
        await rm(part, { recursive: true, force: true });
        if (NO_LINKS.has(systemCode(error) ?? '')) return false;
        throw levelError(path, error);
      }
    },
    async rename(path, to) {
      const target = join(root, to);
      await mkdir(dirname(target), { recursive: true });
      await rename(join(root, path), target);
      await syncParents(root, target);
    },
    async problem(path) {
      try {
        return await levelProblem(disk, path);
      } catch (error) {
        throw levelError(path, error);
      }
    },
    async salvage(path, to) {
      const store = await this.open(to, { create: true });
      try {
        let batch: SalvagedEntry[] = [];
        let bytes = 0;
        const write = async () => {
          await store.write(batch);
          batch = [];
          bytes = 0;
        };
        for await (const entry of salvageLevel(disk, path)) {
          batch.push(entry);
          bytes += entry.value.length;
          if (bytes >= SALVAGED_AT_ONCE) await write();
        }
        await write();
      } catch (error) {
        // What may pass is no damage.
        throw isTidemarkError(error) && error.code.startsWith('DISK_') ? levelError(path, error) : error;
      } finally {
        await store.close();
      }
    },
  };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** LevelDB syncs what is in its folder; that the folder is there at all is for us to make durable. */
async function syncParents(root: string, folder: string): Promise<void> {
  for (let path = dirname(folder); path.length >= root.length; path = dirname(path)) await syncFolder(path);
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
