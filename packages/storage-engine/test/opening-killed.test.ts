import { mkdir, readdir, type rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeDisk, SimClock, seededRandom } from '@tidemark/base';
import { BatchBuilder, labelsOf, matcher } from '@tidemark/model';
import { tempFolder } from '@tidemark/testkit/real';
import { afterEach, expect, test, vi } from 'vitest';
import { openStorageEngine, type StorageEngine } from '../src/index.ts';
import { SimObjectStore } from '../src/sim.ts';
import { KEY, START_MS } from './world.ts';

// A process that is killed while it removes a database, file by file, leaves some of its files.

const killed = vi.hoisted(() => ({ removing: undefined as RegExp | undefined }));

vi.mock('node:fs/promises', async (importActual) => {
  const actual = await importActual<typeof import('node:fs/promises')>();
  return {
    ...actual,
    rm: async (...[path, options]: Parameters<typeof rm>) => {
      const names = killed.removing?.test(String(path)) ? await actual.readdir(String(path)).catch(() => []) : [];
      if (names.length === 0) return actual.rm(path, options);
      for (const name of names) if (/\.(ldb|log)$/.test(name)) await actual.rm(join(String(path), name));
      throw new Error('killed');
    },
  };
});

afterEach(() => {
  killed.removing = undefined;
});

const TP = { topic: 'tidemark.raw', partition: 0 };

function open(folder: string): Promise<StorageEngine> {
  return openStorageEngine({
    ...{ disk: nodeDisk(folder), folder, clock: new SimClock(START_MS), installationKey: KEY },
    objectStore: new SimObjectStore(seededRandom(1)),
  });
}

async function answer(engine: StorageEngine): Promise<[samples: number, warnings: readonly string[]]> {
  const { series, warnings } = await engine.source().select({
    tenant: 'default',
    matchers: [matcher('=', '__name__', 'm')],
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax: 10, samplesMax: 1e6 },
    signal: new AbortController().signal,
  });
  return [series.reduce((sum, { timestampsMs }) => sum + timestampsMs.length, 0), warnings];
}

test('a start that dies while it removes the twin of a whole window costs nothing', async () => {
  await using root = await tempFolder('opening-killed');
  const first = await open(root.path);
  for (let offset = 0; offset < 3; offset++) {
    const builder = new BatchBuilder('default');
    for (let i = 0; i < 500; i++)
      builder.addLabels(labelsOf({ __name__: 'm' }), START_MS + (offset * 500 + i) * 100, i);
    first.applySamples({ ...TP, offset, batch: builder.build(START_MS) });
    await first.checkpoint();
  }
  await first.close();
  killed.removing = /opening-/;
  await expect(open(root.path)).rejects.toThrow('killed');
  killed.removing = undefined;
  // And one of a window that was sealed since.
  await mkdir(join(root.path, 'quarantine', 'opening-shards_tidemark.raw_0_windows_raw_001699992000000_0000'));
  for (const _ of ['the next start', 'and the one after']) {
    const engine = await open(root.path);
    expect(await answer(engine)).toEqual([1500, []]);
    await engine.close();
    expect(await readdir(join(root.path, 'quarantine'))).toEqual([]);
  }
});
