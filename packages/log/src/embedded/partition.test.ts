import { expect, test } from 'vitest';
import type { CompactedStore } from './compacted-store.ts';
import { type FrameReader, Partition } from './partition.ts';
import type { RecordsBody } from './records-body.ts';

// What a reader behind the tail finds when the journal lets files go under it.

const AT = { topic: 'config', partition: 0 };
const record = (offset: number) => ({ offset, timestampMs: 1, key: Uint8Array.of(offset), value: null, headers: {} });
const frame = (file: number) => ({ file, position: 32, length: 50 });

function partitionOf(frames: FrameReader, store?: CompactedStore): Partition {
  const partition = new Partition(AT, 1, { start: 0, end: 0 }, frames, () => store);
  for (const [offset, file] of [
    [0, 1],
    [1, 1],
    [2, 2],
  ] as const) {
    partition.index.push(offset, { ...frame(file), position: 32 + offset * 50 });
    partition.end = offset + 1;
  }
  return partition;
}

const bodyOf = (offset: number): RecordsBody => ({
  timestampMs: 1,
  sections: [{ topicId: 1, partition: 0, firstOffset: offset, records: [record(offset)] }],
});

test('records are gathered over frames, up to the bytes asked for', async () => {
  const partition = partitionOf({ readRecords: async ({ position }) => bodyOf((position - 32) / 50) });
  const all = await partition.read(0, 1000);
  expect(all.records.map(({ offset }) => offset)).toEqual([0, 1, 2]);
  expect(all.nextOffset).toBe(3);
  expect((await partition.read(1, 1)).nextOffset).toBe(2);
});

test('a file that went while it was read: what was found so far, then a lost position', async () => {
  const partition = partitionOf({ readRecords: async ({ file }) => (file === 2 ? undefined : bodyOf(1)) });
  expect((await partition.read(1, 1000)).nextOffset).toBe(2);
  await expect(partition.read(2, 1000)).rejects.toMatchObject({ code: 'LOG_POSITION_LOST', details: { offset: 2 } });
});

test('of a compacted topic it is in the store by then', async () => {
  let through = 0;
  const store: CompactedStore = {
    through: () => through,
    account: () => ({ topicId: 1, records: 0, digest: 0, through: [through] }),
    read: async (_, position) => ({ records: [record(position)], nextOffset: through }),
    take: async () => undefined,
    close: async () => undefined,
  };
  const frames: FrameReader = {
    async readRecords() {
      through = 3;
      return undefined;
    },
  };
  expect(await partitionOf(frames, store).read(0, 1000)).toEqual({ records: [record(0)], nextOffset: 3 });
});
