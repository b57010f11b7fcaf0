import { type Disk, seededRandom } from '@tidemark/base';
import { describe, expect, test } from 'vitest';
import type { KeyValueStore } from './key-value.ts';
import type { StoreBuilder } from './store.ts';

// What every key-value store must do. `makeDisk` gives an empty disk.

export interface KeyValueHarness {
  readonly builder: StoreBuilder;
  readonly makeDisk: () => Promise<Disk>;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);

export function keyValueConformance(name: string, harness: KeyValueHarness): void {
  const make = () => harness.builder.build() as KeyValueStore;
  const fresh = async () => {
    const folder = { disk: await harness.makeDisk(), path: 'state/store' };
    const store = make();
    await store.restore(folder, undefined);
    return { store, folder };
  };
  const contentOf = async (store: KeyValueStore, from?: string, until?: string) => {
    const content: string[] = [];
    for await (const [key, value] of store.entries(from ? bytes(from) : undefined, until ? bytes(until) : undefined)) {
      content.push(`${textOf(key)}=${textOf(value)}`);
    }
    return content;
  };

  describe(`key-value store: ${name}`, () => {
    test('what is put is got, until it is deleted', async () => {
      const { store } = await fresh();
      store.put(bytes('a'), bytes('1'));
      store.put(bytes(''), bytes('empty key'));
      store.put(bytes('b'), bytes(''));
      expect(textOf(store.get(bytes('a')))).toBe('1');
      expect(textOf(store.get(bytes('')))).toBe('empty key');
      expect(textOf(store.get(bytes('b')))).toBe('');
      store.delete(bytes('a'));
      store.delete(bytes('absent'));
      expect(store.get(bytes('a'))).toBe(undefined);
      await store.close();
    });

    test('bytes given and got are copies', async () => {
      const { store } = await fresh();
      const value = bytes('1');
      store.put(bytes('a'), value);
      value[0] = 0;
      (store.get(bytes('a')) as Uint8Array)[0] = 0;
      expect(textOf(store.get(bytes('a')))).toBe('1');
      await store.close();
    });

    test('entries come in the order of their bytes, within bounds, before and after a checkpoint', async () => {
      const { store } = await fresh();
      for (const key of ['b', 'a', 'ab', 'é', 'c']) store.put(bytes(key), bytes(key.toUpperCase()));
      expect(await contentOf(store)).toEqual(['a=A', 'ab=AB', 'b=B', 'c=C', 'é=É']);
      await store.checkpoint({ sequence: 1 });
      await store.settled();
      store.delete(bytes('ab'));
      store.put(bytes('aa'), bytes('new'));
      store.put(bytes('b'), bytes('other'));
      store.put(bytes('z'), bytes('last'));
      expect(await contentOf(store)).toEqual(['a=A', 'aa=new', 'b=other', 'c=C', 'z=last', 'é=É']);
      expect(await contentOf(store, 'aa', 'c')).toEqual(['aa=new', 'b=other']);
      await store.close();
    });

    test('a token brings back what was there when it was made, and nothing after', async () => {
      const { store, folder } = await fresh();
      store.put(bytes('a'), bytes('1'));
      store.put(bytes('gone'), bytes('1'));
      await store.checkpoint({ sequence: 1 });
      await store.settled();
      store.delete(bytes('gone'));
      store.put(bytes('b'), bytes('2'));
      const token = await store.checkpoint({ sequence: 2 });
      await store.settled();
      store.put(bytes('c'), bytes('never checkpointed'));
      await store.close();
      const again = make();
      await again.restore(folder, token);
      expect(await contentOf(again)).toEqual(['a=1', 'b=2']);
      await again.close();
    });

    test('a checkpoint no manifest names is as if it had not been', async () => {
      const { store, folder } = await fresh();
      store.put(bytes('kept'), bytes('1'));
      store.put(bytes('changed'), bytes('1'));
      store.put(bytes('deleted'), bytes('1'));
      const token = await store.checkpoint({ sequence: 1 });
      await store.settled();
      store.put(bytes('changed'), bytes('2'));
      store.delete(bytes('deleted'));
      store.put(bytes('added'), bytes('2'));
      await store.checkpoint({ sequence: 2 });
      await store.close();
      const again = make();
      await again.restore(folder, token);
      expect(await contentOf(again)).toEqual(['changed=1', 'deleted=1', 'kept=1']);
      again.put(bytes('more'), bytes('3'));
      const next = await again.checkpoint({ sequence: 2 });
      await again.settled();
      await again.close();
      const third = make();
      await third.restore(folder, next);
      expect(await contentOf(third)).toEqual(['changed=1', 'deleted=1', 'kept=1', 'more=3']);
      await third.close();
    });

    test('without a token it starts empty, whatever is in the folder', async () => {
      const { store, folder } = await fresh();
      store.put(bytes('a'), bytes('1'));
      await store.checkpoint({ sequence: 1 });
      await store.close();
      const again = make();
      await again.restore(folder, undefined);
      expect(await contentOf(again)).toEqual([]);
      const token = await again.checkpoint({ sequence: 1 });
      await again.settled();
      await again.close();
      const third = make();
      await third.restore(folder, token);
      expect(await contentOf(third)).toEqual([]);
      await third.close();
    });

    test('a token of a checkpoint that is not there is refused', async () => {
      const { store, folder } = await fresh();
      store.put(bytes('a'), bytes('1'));
      const token = await store.checkpoint({ sequence: 7 });
      await store.settled();
      await store.close();
      await folder.disk.removeFolder(folder.path);
      const again = make();
      await expect(again.restore(folder, token)).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
      await again.restore(folder, undefined);
      expect(await contentOf(again)).toEqual([]);
      await again.close();
    });

    test('after close every call is refused, and closing again is fine', async () => {
      const { store } = await fresh();
      store.put(bytes('a'), bytes('1'));
      await store.close();
      await store.close();
      const closed = expect.objectContaining({ code: 'STATE_CLOSED' });
      expect(() => store.get(bytes('a'))).toThrow(closed);
      expect(() => store.put(bytes('a'), bytes('1'))).toThrow(closed);
      expect(() => store.delete(bytes('a'))).toThrow(closed);
      await expect(store.checkpoint({ sequence: 2 })).rejects.toMatchObject({ code: 'STATE_CLOSED' });
    });

    test('a thousand random changes with checkpoints and losses agree with a map', async () => {
      const { store: first, folder } = await fresh();
      let store = first;
      const random = seededRandom(20_261_122);
      let expected = new Map<string, string>();
      let saved = new Map<string, string>();
      let token: Uint8Array | undefined;
      let sequence = 0;
      for (let i = 0; i < 1_000; i++) {
        const key = `k${random.below(60)}`;
        const chance = random.next();
        if (chance < 0.6) {
          store.put(bytes(key), bytes(`${i}`));
          expected.set(key, `${i}`);
        } else if (chance < 0.9) {
          store.delete(bytes(key));
          expected.delete(key);
        } else if (chance < 0.97) {
          const next = await store.checkpoint({ sequence: sequence + 1 });
          if (random.next() < 0.7) {
            sequence++;
            token = next;
            saved = new Map(expected);
            await store.settled();
            continue;
          }
          // The crash comes before the manifest.
          store = await restored(store, token);
          expected = new Map(saved);
        } else {
          store = await restored(store, token);
          expected = new Map(saved);
        }
      }
      const lines = [...expected].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`);
      expect(await contentOf(store)).toEqual(lines);
      await store.close();

      async function restored(old: KeyValueStore, from: Uint8Array | undefined): Promise<KeyValueStore> {
        await old.close();
        const next = make();
        await next.restore(folder, from);
        return next;
      }
    });
  });
}
