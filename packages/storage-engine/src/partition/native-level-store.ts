import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '@tidemark/base';
import { ClassicLevel } from 'classic-level';
import { AbstractLevelStore, levelError } from './abstract-level-store.ts';
import type { LevelStores } from './level-store.ts';

// Of log before a table is written, per open database, and as much again while that happens. 1 MiB: what a checkpoint of some
// 10,000 series brings; twelve of 4 MiB were a tenth of the process.
const WRITE_BUFFER_BYTES = 1024 * 1024;
// Blocks are cached above this, verified; LevelDB's own cache would hold them twice.
const CACHE_BYTES = 1024 * 1024;

/** LevelDB databases in folders below `root`. */
export function nativeLevelStores(root: string): LevelStores {
  return {
    async open(path) {
      const folder = join(root, path);
      const isNew = (await mkdir(folder, { recursive: true })) !== undefined;
      const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, {
        keyEncoding: 'view',
        valueEncoding: 'view',
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
    destroy: (path) => rm(join(root, path), { recursive: true, force: true }),
  };
}

/** LevelDB syncs what is in its folder; that the folder is there at all is for us to make durable. */
async function syncParents(root: string, folder: string): Promise<void> {
  for (let path = dirname(folder); path.length >= root.length; path = dirname(path)) {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}
