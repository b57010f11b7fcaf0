import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { diskConformance } from './conformance.ts';
import { nodeDisk } from './node-disk.ts';
import { SimDisk } from './sim-disk.ts';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

diskConformance('node-disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-disk-'));
  folders.push(folder);
  return nodeDisk(join(folder, 'root'));
});

diskConformance('sim-disk', async () => new SimDisk());
