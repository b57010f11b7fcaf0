import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk, seededRandom } from '@tidemark/base';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openInstallation, prepareDataFolder } from './data-folder.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-data-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (partitions = 4, seed = 1) => openInstallation(nodeDisk(folder), folder, partitions, seededRandom(seed));

test('an empty folder becomes an installation; opening it again gives the same key', async () => {
  const made = await open();
  expect(made.key).toHaveLength(32);
  expect(await open(4, 2)).toEqual(made);
});

test('a folder with other files is refused by name and left alone', async () => {
  await writeFile(join(folder, 'thesis.doc'), 'x');
  await expect(open()).rejects.toMatchObject({ code: 'DATA_FOREIGN', message: expect.stringContaining('thesis.doc') });
  expect(await nodeDisk(folder).list('')).toEqual(['thesis.doc']);
});

test('a newer version, a damaged marker, another partition count: each one clear sentence', async () => {
  await open();
  await mkdir(join(folder, 'store'));
  await expect(open(8)).rejects.toMatchObject({
    code: 'DATA_PARTITIONS',
    message: expect.stringContaining('configure log.partitions: 4'),
  });
  await writeFile(join(folder, 'TIDEMARK'), 'tidemark data folder\nversion: 7\nwhatever\n');
  await expect(open()).rejects.toMatchObject({ code: 'DATA_VERSION' });
  await writeFile(join(folder, 'TIDEMARK'), 'tidemark data folder\nversion: 0\npartitions: 4\n');
  await expect(open()).rejects.toMatchObject({ code: 'DATA_CORRUPT' });
});

test('a folder in which nothing was kept yet takes another partition count: the first may have been a mistake', async () => {
  const { key } = await open();
  expect(await open(8, 2)).toEqual({ key, partitions: 8 });
  await mkdir(join(folder, 'store'));
  expect(await open(8, 3)).toEqual({ key, partitions: 8 });
});

test('a folder several levels down is made', async () => {
  const deep = join(folder, 'a', 'b', 'c');
  expect(await prepareDataFolder(deep)).toBe(deep);
  expect(await prepareDataFolder(deep)).toBe(deep);
});

test('a folder that cannot be made is one clear sentence, soon', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(prepareDataFolder(join(folder, 'file'))).rejects.toMatchObject({
    message: expect.stringContaining('a file has this name'),
  });
  // The kernel says that the folder above is not there, though it is.
  await expect(prepareDataFolder('/proc/tidemark/data')).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
  await expect(prepareDataFolder(join(folder, 'file', 'below'))).rejects.toMatchObject({
    code: 'DATA_UNREADABLE',
    message: expect.stringContaining('TIDEMARK_DATA'),
  });
});
