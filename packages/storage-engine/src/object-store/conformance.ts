import { isTidemarkError } from '@tidemark/base';
import type { ObjectStore } from './object-store.ts';

// What every object store must do, as cases without a test framework: `for (const c of objectStoreCases) test(c.name, ...)`.

export interface ObjectStoreCase {
  readonly name: string;
  /** Throws when the store does otherwise. The store is empty at the beginning. */
  run(store: ObjectStore): Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (raw: Uint8Array) => new TextDecoder().decode(raw);

export const objectStoreCases: readonly ObjectStoreCase[] = [
  {
    name: 'what was put is got, whole and in ranges',
    async run(store) {
      same(await store.putIfAbsent('a/b.bin', bytes('0123456789')), true);
      same(text((await store.get('a/b.bin')).bytes), '0123456789');
      same(text(await store.getRange('a/b.bin', 2, 3)), '234');
      same(text(await store.getRange('a/b.bin', 8, 100)), '89');
      same((await store.getRange('a/b.bin', 100, 5)).length, 0);
      same((await store.head('a/b.bin'))?.size, 10);
    },
  },
  {
    name: 'an empty object is an object',
    async run(store) {
      await store.putIfAbsent('empty', new Uint8Array(0));
      same((await store.get('empty')).bytes.length, 0);
      same((await store.head('empty'))?.size, 0);
    },
  },
  {
    name: 'put if absent leaves what is there',
    async run(store) {
      await store.putIfAbsent('x', bytes('first'));
      same(await store.putIfAbsent('x', bytes('second')), false);
      same(text((await store.get('x')).bytes), 'first');
    },
  },
  {
    name: 'of many puts if absent at once, one wins',
    async run(store) {
      const outcomes = await Promise.all(['1', '2', '3', '4', '5'].map((n) => store.putIfAbsent('race', bytes(n))));
      same(outcomes.filter(Boolean).length, 1);
      same(text((await store.get('race')).bytes), String(outcomes.indexOf(true) + 1));
    },
  },
  {
    name: 'a swap needs the etag that was read',
    async run(store) {
      await store.putIfAbsent('m', bytes('one'));
      const { etag } = await store.get('m');
      const next = await store.putIfMatches('m', bytes('two'), etag);
      same(next === etag, false);
      await throws('OBJECT_CHANGED', () => store.putIfMatches('m', bytes('three'), etag));
      same(text((await store.get('m')).bytes), 'two');
      same((await store.get('m')).etag, next);
      same((await store.head('m'))?.etag, next);
    },
  },
  {
    name: 'of many swaps at once, one wins',
    async run(store) {
      await store.putIfAbsent('m', bytes('0'));
      const { etag } = await store.get('m');
      const outcomes = await Promise.allSettled(
        ['1', '2', '3', '4'].map((n) => store.putIfMatches('m', bytes(n), etag)),
      );
      same(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
    },
  },
  {
    name: 'a swap of what is gone is refused',
    async run(store) {
      await store.putIfAbsent('m', bytes('0'));
      const { etag } = await store.get('m');
      await store.delete('m');
      await throws('OBJECT_CHANGED', () => store.putIfMatches('m', bytes('1'), etag));
      same(await store.head('m'), undefined);
    },
  },
  {
    name: 'what is absent is said to be',
    async run(store) {
      await throws('OBJECT_NOT_FOUND', () => store.get('nothing'));
      await throws('OBJECT_NOT_FOUND', () => store.getRange('nothing/here', 0, 1));
      same(await store.head('nothing'), undefined);
      await store.delete('nothing');
    },
  },
  {
    name: 'a list has the names of a prefix, sorted',
    async run(store) {
      for (const name of ['s/2', 's/1', 't/1', 's/10/x', 'sx']) await store.putIfAbsent(name, bytes(name));
      same((await names(store, 's/')).join(' '), 's/1 s/10/x s/2');
      same((await names(store, 's')).join(' '), 's/1 s/10/x s/2 sx');
      same((await names(store, 'none/')).length, 0);
      await store.delete('s/1');
      same((await names(store, 's/')).join(' '), 's/10/x s/2');
    },
  },
  {
    name: 'many are removed together, those that are absent too',
    async run(store) {
      for (const name of ['d/1', 'd/2', 'd/3']) await store.putIfAbsent(name, bytes(name));
      same((await store.deleteAll(['d/1', 'd/none', 'd/3'])).size, 0);
      same((await names(store, 'd/')).join(' '), 'd/2');
      same((await store.deleteAll([])).size, 0);
    },
  },
  {
    name: 'nothing that is whole counts as unfinished',
    async run(store) {
      await store.putIfAbsent('whole', bytes('whole'));
      same(await store.removeUnfinished(), 0);
      same(text((await store.get('whole')).bytes), 'whole');
    },
  },
  {
    name: 'the store keeps its own copy',
    async run(store) {
      const mine = bytes('mine');
      await store.putIfAbsent('copy', mine);
      mine[0] = 0;
      const got = (await store.get('copy')).bytes;
      same(text(got), 'mine');
      got[0] = 0;
      same(text((await store.get('copy')).bytes), 'mine');
    },
  },
  {
    name: 'names that a file system would take amiss are refused',
    async run(store) {
      for (const name of ['', '/a', 'a//b', '../a', 'a/..', 'a/./b', 'a b', 'a\u0000b', 'x'.repeat(300)]) {
        await throws('OBJECT_NAME_INVALID', () => store.get(name));
        await throws('OBJECT_NAME_INVALID', () => store.putIfAbsent(name, bytes('x')));
      }
    },
  },
];

async function names(store: ObjectStore, prefix: string): Promise<string[]> {
  const out: string[] = [];
  for await (const { name } of store.list(prefix)) out.push(name);
  return out;
}

function same(actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`expected ${String(expected)}, got ${String(actual)}`);
}

async function throws(code: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (isTidemarkError(error, code)) return;
    throw error;
  }
  throw new Error(`expected ${code}`);
}
