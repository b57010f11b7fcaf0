import { type Disk, levelProblem, must, type SalvagedEntry } from '@tidemark/base';
import { type BatchOperation, ClassicLevel } from 'classic-level';
import { fromDisk } from './faults.ts';

// LevelDB as the stores of compacted topics use it.

export type Level = ClassicLevel<Uint8Array, Uint8Array>;
export type Batch = BatchOperation<Level, Uint8Array, Uint8Array>[];

// 256 records of alerts or settings are some 100 kB.
const WRITTEN_AT_ONCE = 256;

/** Makes a database of these entries. */
export async function writeLevel(disk: Disk, path: string, entries: AsyncIterable<SalvagedEntry>): Promise<void> {
  await disk.makeFolder(path);
  const level = levelAt(disk, path);
  await level.open();
  try {
    let batch: Batch = [];
    for await (const { key, value } of entries) {
      batch.push({ type: 'put', key, value });
      if (batch.length < WRITTEN_AT_ONCE) continue;
      await level.batch(batch);
      batch = [];
    }
    await level.batch(batch, { sync: true });
  } catch (error) {
    throw fromDisk(error, `write ${path}`);
  } finally {
    await level.close();
  }
}

/** It begins to open by itself. */
export function levelAt(disk: Disk, path: string, { createIfMissing = true } = {}): Level {
  return new ClassicLevel(must(disk.nativePath, 'LevelDB needs a real folder')(path), {
    keyEncoding: 'view',
    valueEncoding: 'view',
    createIfMissing,
    maxFileSize: 8 * 1024 * 1024,
  });
}

/** LevelDB believes its tables, and ends the process where a key is too short; without CURRENT it removes the rest. */
export async function problemOf(disk: Disk, path: string): Promise<string | undefined> {
  const hasContent = (await disk.list(path)).some((name) => /^CURRENT$|^\d+\.(log|ldb|sst)$/.test(name));
  return hasContent ? levelProblem(disk, path) : undefined;
}
