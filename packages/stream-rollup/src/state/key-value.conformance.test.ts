import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { afterAll } from 'vitest';
import { keyValueConformance } from './conformance.ts';
import { levelKeyValueStore } from './level-key-value.ts';
import { memoryKeyValueStore } from './memory-key-value.ts';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

keyValueConformance('memory', { builder: memoryKeyValueStore('store'), makeDisk: async () => new SimDisk() });

keyValueConformance('LevelDB', {
  builder: levelKeyValueStore('store'),
  makeDisk: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tidemark-state-'));
    folders.push(folder);
    return nodeDisk(join(folder, 'root'));
  },
});
