import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '@tidemark/base';
import { ClassicLevel } from 'classic-level';
import { storageError } from '../errors.ts';
import { AbstractLevelStore } from './abstract-level-store.ts';
import type { LevelStores } from './level-store.ts';

// 4 MiB of log before a table is written: a checkpoint of a small shard never makes one.
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024;
// Blocks are cached above this, verified; LevelDB's own cache would hold them twice.
const CACHE_BYTES = 1024 * 1024;

/** LevelDB databases in folders below `root`. */
export function nativeLevelStores(root: string): LevelStores {
  return {
    async open(path) {
      const folder = join(root, path);
      await mkdir(dirname(folder), { recursive: true });
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
        throw storageError('WINDOW_CORRUPT', `the database in ${folder} cannot be opened`, { folder }, error);
      }
      return new AbstractLevelStore(level);
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
