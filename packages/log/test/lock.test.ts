import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderLock, nodeDisk, type Processes, silentLogger, systemClock } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { afterAll, expect, test } from 'vitest';
import { locked } from '../src/embedded/faults.ts';
import { openEmbeddedLog } from '../src/embedded/open.ts';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-lock-'));
  folders.push(folder);
  return folder;
}

const open = (folder: string) => openEmbeddedLog({ disk: nodeDisk(folder), clock: systemClock, logger: silentLogger });

test('a second log on the folder is refused, naming process and folder; after close it opens', async () => {
  const folder = await newFolder();
  const log = await open(folder);
  await expect(open(folder)).rejects.toMatchObject({
    code: 'LOG_LOCKED',
    message: expect.stringContaining(join(folder, 'log')),
    details: { pid: process.pid },
  });
  await log.close();
  await (await open(folder)).close();
});

test('another living process holds the folder; a dead one does not', async () => {
  const folder = await newFolder();
  await (await open(folder)).close();
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const lock = join(folder, 'log', 'lock');
  try {
    await writeFile(lock, `pid ${other.pid} started \n`);
    await expect(open(folder)).rejects.toMatchObject({ code: 'LOG_LOCKED', details: { pid: other.pid } });
  } finally {
    other.kill();
  }
  await once(other, 'exit');
  const log = await open(folder);
  expect(await readFile(lock, 'utf8')).toContain(`pid ${process.pid} `);
  await log.close();
});

test('a lock of a later process that was given our number, or its, is stale', async () => {
  const alive = new Set(['7 a']);
  const processes = (pid: number, started: string): Processes => ({
    self: { pid, started },
    isAlive: async (mark) => alive.has(`${mark.pid} ${mark.started}`),
  });
  for (const left of ['pid 7 started other\n', 'pid 1 started before\n', 'nonsense']) {
    const disk = new SimDisk();
    await disk.writeAtomic('log/lock', new TextEncoder().encode(left));
    const lock = await FolderLock.take(disk, 'log', processes(1, 'now'), locked);
    expect(new TextDecoder().decode(await disk.read('log/lock'))).toBe('pid 1 started now\n');
    await lock.release();
    expect(await disk.list('log')).toEqual([]);
  }
  const disk = new SimDisk();
  await disk.writeAtomic('log/lock', new TextEncoder().encode('pid 7 started a\n'));
  await expect(FolderLock.take(disk, 'log', processes(1, 'now'), locked)).rejects.toMatchObject({ code: 'LOG_LOCKED' });
});
