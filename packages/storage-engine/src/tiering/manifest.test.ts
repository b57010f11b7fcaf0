import { isTidemarkError, seededRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import { SimObjectStore } from '../object-store/sim.ts';
import {
  decodeSegmentManifest,
  encodeSegmentManifest,
  type Manifest,
  type SegmentEntry,
  sealedLives,
  sortEntries,
} from './manifest.ts';
import { changeManifest, readManifestObject } from './manifest-store.ts';

const SHARD = { topic: 'tidemark.raw', partition: 3 };
const EMPTY: Manifest = { tier: 'raw', ...SHARD, entries: [], merged: [] };
const entry = (startMs: number, sequence = 0): SegmentEntry => ({
  startMs,
  endMs: startMs + 7_200_000,
  sequence,
  part: 0,
  object: `segments/${startMs}-${sequence}.seg`,
  bytes: 12_345_678_901,
  sealedThroughOffset: 99,
  lost: 0,
  level: 0,
  cleanedThrough: -1,
  tenants: [
    { tenant: 'default', series: 3, samples: 4_000_000_000, bytes: 5_000_000_000, metrics: { first: 'a', last: 'up' } },
  ],
});
const add = (one: SegmentEntry) => (manifest: Manifest) => {
  if (manifest.entries.some(({ object }) => object === one.object)) return undefined;
  return { ...manifest, entries: sortEntries([...manifest.entries, one]) };
};

test('comes back as it was', () => {
  const compacted = { ...entry(0), endMs: 86_400_000, level: 1, cleanedThrough: 7 };
  const lives = [
    { sequence: 0, sealedThroughOffset: 5 },
    { sequence: 1, sealedThroughOffset: 2 ** 40 },
  ];
  const manifest = {
    ...EMPTY,
    entries: [compacted, entry(7_200_000, 2)],
    merged: [{ startMs: 7_200_000, lives }],
  };
  expect(decodeSegmentManifest(encodeSegmentManifest(manifest))).toEqual(manifest);
});

test('truncated at every byte, or with a bit flipped anywhere, it is refused', () => {
  const bytes = encodeSegmentManifest({ ...EMPTY, entries: [entry(0)] });
  const refused = (bad: Uint8Array) => {
    try {
      decodeSegmentManifest(bad);
      return false;
    } catch (error) {
      return isTidemarkError(error, 'MANIFEST_CORRUPT');
    }
  };
  for (let end = 0; end < bytes.length; end++) expect(refused(bytes.subarray(0, end)), `cut at ${end}`).toBe(true);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const bad = bytes.slice();
    bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(refused(bad), `bit ${bit}`).toBe(true);
  }
});

test('changes at once all take effect', async () => {
  const store = new SimObjectStore(seededRandom(1));
  const starts = [0, 1, 2, 3].map((n) => n * 7_200_000);
  await Promise.all(starts.map((startMs) => changeManifest(store, SHARD, EMPTY, add(entry(startMs)))));
  const found = await readManifestObject(store, SHARD);
  expect(found?.manifest.entries.map(({ startMs }) => startMs)).toEqual(starts);
});

test('a change whose reply was lost is there once when it is tried again', async () => {
  const store = new SimObjectStore(seededRandom(1));
  await changeManifest(store, SHARD, EMPTY, add(entry(0)));
  store.faults = { failures: 0, lostReplies: 1, slow: 0, conflicts: 0 };
  await expect(changeManifest(store, SHARD, EMPTY, add(entry(7_200_000)))).rejects.toThrow('reply was lost');
  store.faults = { failures: 0, lostReplies: 0, slow: 0, conflicts: 0 };
  const manifest = await changeManifest(store, SHARD, EMPTY, add(entry(7_200_000)));
  expect(manifest.entries.map(({ startMs }) => startMs)).toEqual([0, 7_200_000]);
});

test('when another writer always wins, it gives up and says so', async () => {
  const store = new SimObjectStore(seededRandom(1));
  await changeManifest(store, SHARD, EMPTY, add(entry(0)));
  store.faults = { failures: 0, lostReplies: 0, slow: 0, conflicts: 1 };
  await expect(changeManifest(store, SHARD, EMPTY, add(entry(7_200_000)))).rejects.toMatchObject({
    code: 'OBJECT_CHANGED',
  });
});

test('every life that was sealed is known, merged or not, and parts are one life', () => {
  const manifest = {
    ...EMPTY,
    entries: [{ ...entry(0), level: 1 }, entry(7_200_000, 1), { ...entry(7_200_000, 1), part: 1 }],
    merged: [{ startMs: 7_200_000, lives: [{ sequence: 0, sealedThroughOffset: 5 }] }],
  };
  expect([...sealedLives(manifest)]).toEqual([
    [
      7_200_000,
      [
        { sequence: 0, sealedThroughOffset: 5 },
        { sequence: 1, sealedThroughOffset: 99 },
      ],
    ],
  ]);
});
