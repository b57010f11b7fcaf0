import type { Disk, DiskFile } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { expect, test } from 'vitest';
import { RAW, raw, rawAt, valuesOf } from '../src/conformance/traits.ts';
import { FOLDER, openOn } from './disks.ts';

// However many files the journal has, few of them are open: each takes a descriptor.

const OPTIONS = { fileBytesMax: 600, openFilesMax: 2, tailBytesMax: 1, readCacheBytesMax: 1 };
const RECORDS = 60;
const values = Array.from({ length: RECORDS }, (_, i) => `${i}`.padEnd(100, '.'));

/** Counts what is opened and not closed. */
class CountingDisk extends SimDisk {
  readonly opened = new Set<DiskFile>();

  override async open(...asked: Parameters<Disk['open']>): Promise<DiskFile> {
    const file = await super.open(...asked);
    this.opened.add(file);
    const close = file.close.bind(file);
    file.close = async () => {
      this.opened.delete(file);
      await close();
    };
    return file;
  }
}

async function written() {
  const disk = new CountingDisk();
  const opened = await openOn(disk, OPTIONS);
  await opened.log.ensureTopics([RAW]);
  await opened.log.commit('holds everything', [{ ...rawAt(0), offset: 0 }]);
  const idle = disk.opened.size;
  for (const value of values) await opened.log.append([raw(0, value)]);
  const files = (await disk.list(FOLDER)).filter((name) => name.endsWith('.journal'));
  expect(files.length).toBeGreaterThan(10);
  return { disk, log: opened.log, idle };
}

test('files that are full are closed but for a few', async () => {
  const { disk, log, idle } = await written();
  expect(disk.opened.size).toBeLessThanOrEqual(idle + OPTIONS.openFilesMax);
  await log.close();
  expect(disk.opened.size).toBe(0);
});

test('reading through all of them opens few at a time, from one reader or several', async () => {
  const { disk, log, idle } = await written();
  expect(await valuesOf(log, RAW.name)).toEqual(values);
  const all = await Promise.all(Array.from({ length: 5 }, () => valuesOf(log, RAW.name)));
  for (const each of all) expect(each).toEqual(values);
  expect(disk.opened.size).toBeLessThanOrEqual(idle + OPTIONS.openFilesMax);
  await log.close();
  expect(disk.opened.size).toBe(0);
});

test('a log that opens keeps open what it writes to', async () => {
  const { disk, log, idle } = await written();
  await log.close();
  const again = await openOn(disk, OPTIONS);
  expect(disk.opened.size).toBeLessThanOrEqual(idle);
  expect(await valuesOf(again.log, RAW.name)).toEqual(values);
  await again.log.close();
  expect(disk.opened.size).toBe(0);
});
