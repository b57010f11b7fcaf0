import { isTidemarkError } from '@tidemark/base';
import type { ClassicLevel } from 'classic-level';
import { describe, expect, test } from 'vitest';
import { AbstractLevelStore } from './abstract-level-store.ts';

// What LevelDB is asked for, and what is made of its answers. That an unsynced batch is lost shows only when the machine loses power, so the
// words of the call are looked at.

type Level = ClassicLevel<Uint8Array, Uint8Array>;

const KEY = Uint8Array.of(1);
const VALUE = Uint8Array.of(2, 3);

function storeOver(level: Partial<Record<'batch' | 'getMany', (...args: readonly unknown[]) => Promise<unknown>>>) {
  return new AbstractLevelStore(level as unknown as Level, 'w');
}

test('a batch is one call, and synced', async () => {
  const calls: unknown[][] = [];
  const store = storeOver({ batch: async (...args) => void calls.push([...args]) });
  await store.write([
    { key: KEY, value: VALUE },
    { key: VALUE, value: null },
  ]);
  expect(calls).toEqual([
    [
      [
        { type: 'put', key: KEY, value: VALUE },
        { type: 'del', key: VALUE },
      ],
      { sync: true },
    ],
  ]);
});

describe('what LevelDB refuses is told', () => {
  test.each([
    ['a full disk', 'IO error: 000003.log: No space left on device', 'STORAGE_IO'],
    ['too many open files', 'IO error: 000004.ldb: Too many open files', 'STORAGE_IO'],
    ['a bad place of the disk', 'IO error: 000004.ldb: Input/output error', 'WINDOW_CORRUPT'],
    ['a file that is gone', 'IO error: 000004.ldb: No such file or directory', 'WINDOW_CORRUPT'],
  ])('%s', async (_, message, code) => {
    const refuse = () => Promise.reject(new Error('Database failure', { cause: new Error(message) }));
    const store = storeOver({ batch: refuse, getMany: refuse });
    const isTold = (error: unknown) => isTidemarkError(error, code);
    await expect(store.write([{ key: KEY, value: VALUE }])).rejects.toSatisfy(isTold);
    await expect(store.getMany([KEY])).rejects.toSatisfy(isTold);
  });
});
