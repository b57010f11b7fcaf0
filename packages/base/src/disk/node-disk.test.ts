import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { nodeDisk } from './node-disk.ts';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function newRoot(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-disk-'));
  folders.push(folder);
  return folder;
}

test('a root that cannot be made is DISK_IO', async () => {
  const root = await newRoot();
  await writeFile(join(root, 'file'), 'x');
  expect(() => nodeDisk(join(root, 'file', 'below'))).toThrow(expect.objectContaining({ code: 'DISK_IO' }));
});

test('a full device is DISK_FULL', async () => {
  // /dev/full answers every write with ENOSPC.
  const disk = nodeDisk('/dev');
  const file = await disk.open('full');
  await expect(file.append([Uint8Array.of(1)])).rejects.toMatchObject({ code: 'DISK_FULL' });
  await file.close();
});

test('a folder in place of a file is DISK_IO, naming the path', async () => {
  const disk = nodeDisk(await newRoot());
  await disk.makeFolder('thing');
  await expect(disk.read('thing')).rejects.toMatchObject({
    code: 'DISK_IO',
    message: expect.stringContaining('thing'),
  });
});

test('a file we may only read can be read, and refuses appends', async () => {
  const root = await newRoot();
  const disk = nodeDisk(root);
  await disk.writeAtomic('log', Uint8Array.of(1, 2));
  await chmod(join(root, 'log'), 0o444);
  const file = await disk.open('log');
  expect(await file.readAt(0, new Uint8Array(2))).toBe(2);
  // The superuser may write anyway.
  if (process.getuid?.() !== 0)
    await expect(file.append([Uint8Array.of(3)])).rejects.toMatchObject({ code: 'DISK_IO' });
  await file.close();
});

test('a temporary file left by a crash is not listed, and the next writeAtomic replaces it', async () => {
  const root = await newRoot();
  const disk = nodeDisk(root);
  await writeFile(join(root, 'meta.atomic~'), 'torn');
  expect(await disk.list('')).toEqual([]);
  await disk.writeAtomic('meta', Uint8Array.of(1));
  expect(await readdir(root)).toEqual(['meta']);
});

test('nativePath says where things are', async () => {
  const root = await newRoot();
  expect(nodeDisk(root).nativePath?.('a/b')).toBe(join(root, 'a', 'b'));
});
