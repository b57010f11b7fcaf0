import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTidemarkError, seededRandom } from '@tidemark/base';
import { describe, expect, test } from 'vitest';
import { objectStoreCases } from './conformance.ts';
import { openFileObjectStore } from './file.ts';
import { SimObjectStore } from './sim.ts';

describe('a folder', () => {
  test.each(objectStoreCases)('$name', async ({ run }) => {
    const root = await mkdtemp(join(tmpdir(), 'tidemark-objects-'));
    try {
      await run(await openFileObjectStore(root));
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});

describe('the simulated store', () => {
  test.each(objectStoreCases)('$name', async ({ run }) => {
    await run(new SimObjectStore(seededRandom(1)));
  });

  test.each(objectStoreCases)('slow: $name', async ({ run }) => {
    const store = new SimObjectStore(seededRandom(1));
    store.faults = { failures: 0, lostReplies: 0, slow: 0.5, conflicts: 0 };
    await run(store);
  });

  test('a lost reply means the change happened and the caller was told it may not have', async () => {
    const store = new SimObjectStore(seededRandom(1));
    store.faults = { failures: 0, lostReplies: 1, slow: 0, conflicts: 0 };
    await expect(store.putIfAbsent('a', Uint8Array.of(1))).rejects.toSatisfy((error) =>
      isTidemarkError(error, 'OBJECT_STORE_UNAVAILABLE'),
    );
    expect(store.names()).toEqual(['a']);
  });

  test('away means nothing happens', async () => {
    const store = new SimObjectStore(seededRandom(1));
    store.away = true;
    await expect(store.putIfAbsent('a', Uint8Array.of(1))).rejects.toThrow('away');
    expect(store.names()).toEqual([]);
  });
});
