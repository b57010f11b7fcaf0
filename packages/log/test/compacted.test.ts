import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk, SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONFIG, config, NOW, RAW, raw, rawAt, readAll, readerOf, textOf } from '../src/conformance/traits.ts';
import type { EmbeddedLog } from '../src/embedded/embedded-log.ts';
import { openEmbeddedLog } from '../src/embedded/open.ts';

// The store of a compacted topic: what LevelDB hides, the log finds.

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-compacted-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const open = (folder: string): Promise<EmbeddedLog> =>
  openEmbeddedLog({
    disk: nodeDisk(folder),
    clock: new SimClock(1_700_000_000_000),
    logger: silentLogger,
    options: { fileBytesMax: 2000 },
  });

/** A log whose compacted topic lives in its store alone: the journal's files that held it are gone. */
async function materialised(name: string, keys: number): Promise<string> {
  const folder = join(root, name);
  const log = await open(folder);
  await log.ensureTopics([RAW, CONFIG]);
  await readerOf(log, 'g', 0, 'earliest');
  for (let i = 0; i < keys; i++) await log.append([config(`key ${i}`, `value ${i} ${'x'.repeat(40)}`)]);
  for (let i = 0; i < 30; i++) await log.append([raw(0, 'y'.repeat(200))]);
  await log.commit('g', [{ ...rawAt(0), offset: 30 }]);
  await log.retain();
  await log.close();
  return folder;
}

async function stateOf(folder: string): Promise<Record<string, string | null>> {
  const log = await open(folder);
  try {
    const records = await readAll(log, CONFIG.name);
    return Object.fromEntries(records.map(({ key, value }) => [textOf(key), textOf(value)]));
  } finally {
    await log.close();
  }
}

test('the journal lets go of what the store holds, and the store says it all', async () => {
  const folder = await materialised('plain', 20);
  const first = (await readdir(join(folder, 'log'))).filter((name) => name.endsWith('.journal'))[0];
  expect(first).not.toBe('00000001.journal');
  const state = await stateOf(folder);
  expect(Object.keys(state)).toHaveLength(20);
  expect(state['key 7']).toBe(`value 7 ${'x'.repeat(40)}`);
});

test('every tenth byte of the store, damaged: refused naming the topic, or everything is there', async () => {
  const folder = await materialised('flipped', 12);
  const whole = await stateOf(folder);
  const store = join('log', 'compacted', CONFIG.name);
  const random = seededRandom(42);
  let refused = 0;
  let right = 0;
  for (const name of await readdir(join(folder, store))) {
    if (!/\.(log|ldb)$|^MANIFEST|^CURRENT$/.test(name)) continue;
    const bytes = await readFile(join(folder, store, name));
    for (let position = random.below(10); position < bytes.length; position += 10 + random.below(40)) {
      const copy = join(root, 'damaged');
      await cp(folder, copy, { recursive: true });
      const damaged = Buffer.from(bytes);
      damaged[position] = (damaged[position] as number) ^ (1 << random.below(8));
      await writeFile(join(copy, store, name), damaged);
      try {
        expect(await stateOf(copy), `${name} at ${position}`).toEqual(whole);
        right++;
      } catch (error) {
        expect(error, `${name} at ${position}`).toMatchObject({ code: 'LOG_CORRUPT', details: { topic: CONFIG.name } });
        refused++;
      }
      await rm(copy, { recursive: true });
    }
  }
  expect(refused).toBeGreaterThan(10);
  expect(right + refused).toBeGreaterThan(20);
});

test('a store that is gone, or an older copy of it, is refused', async () => {
  const folder = await materialised('gone', 12);
  const store = join(folder, 'log', 'compacted', CONFIG.name);
  const older = join(root, 'older');
  await cp(store, older, { recursive: true });
  const log = await open(folder);
  await log.append([config('key 3', 'newer')]);
  for (let i = 0; i < 30; i++) await log.append([raw(0, 'y'.repeat(200))]);
  await log.commit('g', [{ ...rawAt(0), offset: 60 }]);
  await log.retain();
  await log.close();
  expect((await stateOf(folder))['key 3']).toBe('newer');
  await rm(store, { recursive: true });
  await cp(older, store, { recursive: true });
  await expect(stateOf(folder)).rejects.toMatchObject({ code: 'LOG_CORRUPT', details: { topic: CONFIG.name } });
  await rm(store, { recursive: true });
  await expect(stateOf(folder)).rejects.toMatchObject({
    code: 'LOG_CORRUPT',
    message: expect.stringContaining('the journal says 13'),
  });
});

test('a reader goes from the store on into the journal, and sees each last value once', async () => {
  const folder = await materialised('across', 10);
  const log = await open(folder);
  await log.append([config('key 2', 'after'), config('key 50', 'new')]);
  const reader = await log.openReader({ group: 'r', from: [{ topic: CONFIG.name, partition: 0, offset: 'earliest' }] });
  const offsets: number[] = [];
  const state = new Map<string | null, string | null>();
  for (;;) {
    const fetched = await reader.fetch({ ...NOW, maxBytes: 150 });
    if (fetched.length === 0) break;
    for (const { records } of fetched) {
      for (const { offset, key, value } of records) {
        offsets.push(offset);
        state.set(textOf(key), textOf(value));
      }
    }
  }
  expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
  expect(state.size).toBe(11);
  expect(state.get('key 2')).toBe('after');
  expect(reader.positions()[0]?.offset).toBe(12);
  await log.close();
});
