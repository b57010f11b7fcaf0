import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { rounds, withSeed } from '@tidemark/testkit';
import { ClassicLevel } from 'classic-level';
import { afterAll, expect, test } from 'vitest';
import { LevelKeyValueStore } from './level-key-value.ts';
import { MemoryKeyValueStore } from './memory-key-value.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function levelFolder() {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-state-'));
  folders.push(root);
  return { folder: { disk: nodeDisk(root), path: 'store' }, native: join(root, 'store') };
}

test('memory: more than its limit is refused, and what it holds stays', async () => {
  const store = new MemoryKeyValueStore('small', 10);
  await store.restore({ disk: new SimDisk(), path: 'small' }, undefined);
  store.put(bytes('a'), bytes('12345'));
  expect(() => store.put(bytes('b'), bytes('1234'))).toThrow(expect.objectContaining({ code: 'STATE_FULL' }));
  store.put(bytes('a'), bytes('123456789'));
  store.delete(bytes('a'));
  store.put(bytes('b'), bytes('123456789'));
  expect(store.get(bytes('a'))).toBe(undefined);
});

test('memory: a file cut anywhere, or with any bit flipped, is refused', async () => {
  const disk = new SimDisk();
  const store = new MemoryKeyValueStore('m');
  await store.restore({ disk, path: 'm' }, undefined);
  store.put(bytes('key'), bytes('value'));
  const token = await store.checkpoint({ sequence: 1 });
  const whole = await disk.read('m/entries-1');
  const refusal = async (content: Uint8Array) => {
    await disk.writeAtomic('m/entries-1', content);
    const again = new MemoryKeyValueStore('m');
    await expect(again.restore({ disk, path: 'm' }, token)).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
  };
  for (let length = 0; length < whole.length; length++) await refusal(whole.slice(0, length));
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = whole.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    await refusal(flipped);
  }
});

test('LevelDB: more changes than allowed between two checkpoints are refused', async () => {
  const { folder } = await levelFolder();
  const store = new LevelKeyValueStore('l', { changedBytesMax: 10 });
  await store.restore(folder, undefined);
  store.put(bytes('a'), bytes('123456789'));
  expect(() => store.put(bytes('b'), bytes('1'))).toThrow(expect.objectContaining({ code: 'STATE_FULL' }));
  await store.checkpoint({ sequence: 1 });
  store.put(bytes('b'), bytes('1'));
  await store.close();
});

test('LevelDB: an entry changed, lost or moved behind its back is noticed when it opens', async () => {
  const { folder, native } = await levelFolder();
  const meddle = async (how: (level: ClassicLevel<Uint8Array, Uint8Array>) => Promise<void>) => {
    const store = new LevelKeyValueStore('l');
    await store.restore(folder, undefined);
    for (const key of ['a', 'b', 'c']) store.put(bytes(key), bytes(`value of ${key}`));
    const token = await store.checkpoint({ sequence: 1 });
    await store.close();
    const level = new ClassicLevel<Uint8Array, Uint8Array>(native, { keyEncoding: 'view', valueEncoding: 'view' });
    await how(level);
    await level.close();
    const again = new LevelKeyValueStore('l');
    await expect(again.restore(folder, token)).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
    await again.close();
  };
  const key = (name: string) => Uint8Array.of(1, ...bytes(name));
  const stored = async (level: ClassicLevel<Uint8Array, Uint8Array>, name: string) =>
    Uint8Array.from((await level.get(key(name))) as Uint8Array);
  await meddle(async (level) => {
    const value = await stored(level, 'b');
    value[0] = (value[0] as number) ^ 1;
    await level.put(key('b'), value);
  });
  await meddle((level) => level.del(key('c')));
  await meddle(async (level) => level.put(key('a'), await stored(level, 'b')));
  await meddle((level) => level.del(Uint8Array.of(0)));
});

test('LevelDB: a disk without a real folder is refused by name', async () => {
  const store = new LevelKeyValueStore('l');
  const folder = { disk: new SimDisk(), path: 'state/l' };
  await expect(store.restore(folder, undefined)).rejects.toMatchObject({ code: 'STATE_NEEDS_FOLDER' });
});

test('LevelDB: bits flipped in its files are refused or harmless, never wrong values', async () => {
  const { folder, native } = await levelFolder();
  for (let round = 0; round < 24; round++) {
    const store = new LevelKeyValueStore('l');
    await store.restore(folder, undefined);
    for (let i = 0; i < 50; i++) store.put(bytes(`key ${i}`), bytes(`value ${i}`));
    const token = await store.checkpoint({ sequence: 1 });
    await store.close();
    const name = (await readdir(native)).find((each) => each.endsWith('.log')) as string;
    const content = await readFile(join(native, name));
    const at = Math.floor((content.length * (round + 0.5)) / 24);
    content[at] = (content[at] as number) ^ (1 << (round % 8));
    await writeFile(join(native, name), content);
    const again = new LevelKeyValueStore('l');
    try {
      await again.restore(folder, token);
      for (let i = 0; i < 50; i++) expect(again.get(bytes(`key ${i}`))).toEqual(bytes(`value ${i}`));
    } catch (error) {
      expect(error).toMatchObject({ code: 'STATE_CORRUPT' });
    }
    await again.close();
  }
});

test('LevelDB: any of its files gone, cut or flipped is refused or harmless; what was refused begins anew', () =>
  withSeed('level-key-value', async (random) => {
    const { folder, native } = await levelFolder();
    const value = (i: number) => bytes(`value ${i} `.repeat(100));
    let token: Uint8Array | undefined;
    // Opened again, so that most of it is in tables.
    for (let sequence = 1; sequence <= 3; sequence++) {
      const store = new LevelKeyValueStore('l');
      await store.restore(folder, token);
      for (let i = sequence * 100; i < sequence * 100 + 200; i++) store.put(bytes(`key ${i}`), value(i));
      token = await store.checkpoint({ sequence });
      await store.close();
    }
    const whole = `${native}-whole`;
    await cp(native, whole, { recursive: true });
    let refused = 0;
    for (let round = 0; round < rounds(60); round++) {
      await rm(native, { recursive: true });
      await cp(whole, native, { recursive: true });
      const names = await readdir(native);
      const file = join(native, names[random.below(names.length)] as string);
      const content = await readFile(file);
      const how = content.length === 0 ? 0 : random.below(4);
      if (how === 0) await rm(file);
      else if (how === 1) await truncate(file, random.below(content.length));
      else {
        const at = random.below(content.length);
        content[at] = (content[at] as number) ^ (1 << random.below(8));
        await writeFile(file, content);
      }
      const store = new LevelKeyValueStore('l');
      try {
        await store.restore(folder, token);
        for (let i = 100; i < 500; i++) {
          expect(Buffer.compare(store.get(bytes(`key ${i}`)) ?? bytes(''), value(i)), `key ${i}`).toBe(0);
        }
      } catch (error) {
        expect(error, `${file} ${how}`).toMatchObject({ code: 'STATE_CORRUPT' });
        refused++;
        await store.restore(folder, undefined);
        expect(store.get(bytes('key 100'))).toBe(undefined);
      }
      await store.close();
    }
    expect(refused).toBeGreaterThan(10);
  }));
