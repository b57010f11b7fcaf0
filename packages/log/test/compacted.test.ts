import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk, SelfMetrics, SimClock, seededRandom, silentLogger, TidemarkError } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONFIG, config, NOW, RAW, raw, rawAt, readAll, readerOf, textOf } from '../src/conformance/traits.ts';
import type { EmbeddedLog } from '../src/embedded/embedded-log.ts';
import { openEmbeddedLog } from '../src/embedded/open.ts';
import { examineJournal, repairJournal } from '../src/embedded/repair.ts';

// The store of a compacted topic: what LevelDB hides, the log finds.

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-compacted-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const parts = (folder: string) => ({
  disk: nodeDisk(folder),
  clock: new SimClock(1_700_000_000_000),
  logger: silentLogger,
  options: { fileBytesMax: 2000 },
});

const open = (folder: string): Promise<EmbeddedLog> => openEmbeddedLog(parts(folder));

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

/** The store with most of it in tables, as it is after a start. */
async function inTables(name: string): Promise<string> {
  const folder = await materialised(name, 40);
  for (let i = 0; i < 2; i++) {
    const log = await open(folder);
    await log.append([config(`key ${i}`, 'newer')]);
    for (let j = 0; j < 30; j++) await log.append([raw(0, 'y'.repeat(200))]);
    await log.commit('g', [{ ...rawAt(0), offset: 60 + i * 30 }]);
    await log.retain();
    await log.close();
  }
  const store = join(folder, 'log', 'compacted', CONFIG.name);
  expect((await readdir(store)).filter((file) => file.endsWith('.ldb')).length).toBeGreaterThan(0);
  return folder;
}

interface Harmed {
  readonly copy: string;
  readonly store: string;
}

async function harmed(
  folder: string,
  file: string,
  harm: (path: string, bytes: Buffer) => Promise<void>,
): Promise<Harmed> {
  const copy = join(root, 'harmed');
  await rm(copy, { recursive: true, force: true });
  await cp(folder, copy, { recursive: true });
  const store = join(copy, 'log', 'compacted', CONFIG.name);
  await harm(join(store, file), await readFile(join(store, file)));
  return { copy, store };
}

test('a store without its CURRENT or MANIFEST is mended by the start, counted, and kept as it was', async () => {
  const folder = await inTables('mended');
  const whole = await stateOf(folder);
  for (const file of await readdir(join(folder, 'log', 'compacted', CONFIG.name))) {
    if (!/^CURRENT$|^MANIFEST/.test(file)) continue;
    const { copy, store } = await harmed(folder, file, (path) => rm(path));
    const before = (await readdir(store)).sort();
    const metrics = new SelfMetrics();
    const log = await openEmbeddedLog({ ...parts(copy), metrics });
    await log.close();
    expect(metrics.expose()).toContain(`tidemark_log_stores_mended_total{topic="${CONFIG.name}"} 1`);
    expect((await readdir(join(copy, 'log', 'damaged-1', CONFIG.name))).sort()).toEqual(before);
    expect(await stateOf(copy)).toEqual(whole);
  }
});

/** As a process leaves it that dies between taking the damaged store away and putting the mended one in its place. */
async function halfMended(folder: string): Promise<string> {
  const { copy, store } = await harmed(folder, 'CURRENT', async () => undefined);
  const kept = join(copy, 'log', 'damaged-1');
  await mkdir(kept);
  await cp(store, join(kept, `mended-${CONFIG.name}`), { recursive: true });
  await rename(store, join(kept, CONFIG.name));
  return copy;
}

test('a crash in the middle of mending is made good by the next start, or the next repair', async () => {
  const folder = await inTables('half-mended');
  const whole = await stateOf(folder);
  expect(await stateOf(await halfMended(folder))).toEqual(whole);
  for (const look of [examineJournal, repairJournal]) {
    const copy = await halfMended(folder);
    expect((await look({ disk: nodeDisk(copy), folder: 'log' })).damagedStores).toEqual([]);
    expect(await stateOf(copy)).toEqual(whole);
  }
});

test('a start that cannot mend a store today leaves nothing behind, however often', async () => {
  const folder = await inTables('busy');
  const whole = await stateOf(folder);
  const manifest = (await readdir(join(folder, 'log', 'compacted', CONFIG.name))).find((file) =>
    /^MANIFEST/.test(file),
  );
  const { copy } = await harmed(folder, manifest as string, (path) => rm(path));
  const disk = nodeDisk(copy);
  const read = disk.read.bind(disk);
  const busy = new TidemarkError('DISK_IO', 'too many open files', { system: 'EMFILE' });
  disk.read = (path) => (path.endsWith('.ldb') ? Promise.reject(busy) : read(path));
  for (let start = 0; start < 2; start++) {
    await expect(openEmbeddedLog({ ...parts(copy), disk })).rejects.toMatchObject({ code: 'LOG_IO' });
    expect((await readdir(join(copy, 'log'))).filter((name) => name.startsWith('damaged-'))).toEqual([]);
  }
  expect(await stateOf(copy)).toEqual(whole);
});

test('tables flipped or cut anywhere: all is there, or it is refused, and a repair goes on with what can be read', () =>
  withSeed('compacted-tables', async (random) => {
    const folder = await inTables('tables');
    const whole = await stateOf(folder);
    const files = (await readdir(join(folder, 'log', 'compacted', CONFIG.name))).filter((file) =>
      file.endsWith('.ldb'),
    );
    const ends = { whole: 0, repaired: 0 };
    for (let round = 0; round < rounds(30); round++) {
      const file = files[random.below(files.length)] as string;
      const { copy } = await harmed(folder, file, async (path, bytes) => {
        const at = random.below(bytes.length);
        if (round % 3 === 0) return truncate(path, at);
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
        await writeFile(path, bytes);
      });
      try {
        expect(await stateOf(copy), file).toEqual(whole);
        ends.whole++;
        continue;
      } catch (error) {
        expect(error).toMatchObject({ code: 'LOG_CORRUPT', message: expect.stringContaining('tidemark repair --cut') });
      }
      const disk = nodeDisk(copy);
      const [examined] = (await examineJournal({ disk, folder: 'log' })).damagedStores;
      expect(examined).toMatchObject({ topic: CONFIG.name, records: Object.keys(whole).length, mended: undefined });
      const [repaired] = (await repairJournal({ disk, folder: 'log' })).damagedStores;
      const state = await stateOf(copy);
      // Where the last record of a key is lost, the one before it may be left in an older table.
      const before = (key: string) => `value ${key.slice(4)} ${'x'.repeat(40)}`;
      for (const [key, value] of Object.entries(state)) expect([whole[key], before(key)], key).toContain(value);
      expect(state).not.toEqual(whole);
      expect(repaired?.mended?.records).toBe(Object.keys(state).length);
      // What comes after is kept as ever, over starts and the journal's files.
      const log = await open(copy);
      await log.append([config('key new', 'after the repair')]);
      for (let j = 0; j < 30; j++) await log.append([raw(0, 'y'.repeat(200))]);
      await log.retain();
      await log.close();
      expect(await stateOf(copy)).toEqual({ ...state, 'key new': 'after the repair' });
      ends.repaired++;
    }
    expect(ends.repaired).toBeGreaterThan(2);
  }));
