import { seededRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import { RangeCache } from './cache.ts';
import { SimObjectStore } from './sim.ts';

const MIB = 1024 * 1024;
const content = seededRandom(1).bytes(3 * MIB);

async function world(bytesMax = 16 * MIB) {
  const store = new SimObjectStore(seededRandom(2));
  await store.putIfAbsent('a', content);
  const asked: string[] = [];
  const getRange = store.getRange.bind(store);
  store.getRange = (name, start, length) => {
    asked.push(`${start}+${length}`);
    return getRange(name, start, length);
  };
  const cache = new RangeCache(store, bytesMax);
  const read = (offset: number, length: number) => cache.ranges('a', content.length).read(offset, length);
  return { store, cache, asked, read };
}

const range = (offset: number, length: number) => ({ offset, length });
const piece = (offset: number, length: number) => content.slice(offset, offset + length);

test('two readers of one range share one request, and later ones have it', async () => {
  const { asked, read } = await world();
  const [one, two] = await Promise.all([read(10, 5), read(10, 5)]);
  expect([one, two, await read(10, 5)]).toEqual([piece(10, 5), piece(10, 5), piece(10, 5)]);
  expect(asked).toEqual(['10+5']);
});

test('neighbours that are read together are one request, each kept for itself', async () => {
  const { cache, asked, read } = await world();
  const ranges = [range(30, 10), range(0, 10), range(10, 20), range(100, 7)];
  cache.together('a', ranges);
  const got = await Promise.all(ranges.map(({ offset, length }) => read(offset, length)));
  expect(got).toEqual(ranges.map(({ offset, length }) => piece(offset, length)));
  expect(asked).toEqual(['0+40', '100+7']);
  // Of others, what is missing.
  cache.together('a', [range(10, 20), range(30, 10), range(40, 4), range(44, 4)]);
  expect(await Promise.all([read(10, 20), read(40, 4), read(44, 4)])).toEqual([
    piece(10, 20),
    piece(40, 4),
    piece(44, 4),
  ]);
  expect(asked.slice(2)).toEqual(['40+8']);
});

test('no request is larger than a megabyte for the sake of company', async () => {
  const { cache, asked, read } = await world();
  const BLOCK = 300 * 1024;
  const ranges = Array.from({ length: 10 }, (_, i) => range(i * BLOCK, BLOCK));
  cache.together('a', ranges);
  await Promise.all(ranges.map(({ offset, length }) => read(offset, length)));
  expect(asked).toEqual([0, 3, 6, 9].map((i) => `${i * BLOCK}+${i === 9 ? BLOCK : 3 * BLOCK}`));
});

test('a request for many that fails fails for each, and the next try asks again', async () => {
  const { store, cache, read } = await world();
  store.faults = { failures: 1, lostReplies: 0, slow: 0, conflicts: 0 };
  cache.together('a', [range(0, 10), range(10, 10)]);
  const failed = await Promise.allSettled([read(0, 10), read(10, 10)]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  store.faults = { failures: 0, lostReplies: 0, slow: 0, conflicts: 0 };
  expect(await read(10, 10)).toEqual(piece(10, 10));
});

test('a range that reaches over the end is an error for those beside it alone, when they are read again', async () => {
  const { cache, read } = await world();
  const end = content.length;
  cache.together('a', [range(end - 20, 10), range(end - 10, 20)]);
  await expect(read(end - 10, 20)).rejects.toMatchObject({ code: 'SEGMENT_CORRUPT' });
  expect(await read(end - 20, 10)).toEqual(piece(end - 20, 10));
});
