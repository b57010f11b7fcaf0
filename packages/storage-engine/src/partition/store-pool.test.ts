import { SimClock, silentLogger } from '@tidemark/base';
import { expect, test } from 'vitest';
import type { LevelStore, LevelStores } from './level-store.ts';
import { StorePool } from './store-pool.ts';

const IDLE_MS = 60_000;

/** Databases that only know whether they are open. */
function poolOf({ openMax = 10 } = {}) {
  const open: string[] = [];
  const opened: string[] = [];
  const stores: Pick<LevelStores, 'open' | 'list' | 'destroy'> = {
    open: async (path) => {
      if (open.includes(path)) throw new Error(`${path} is locked`);
      open.push(path);
      opened.push(path);
      const close = async () => {
        await Promise.resolve();
        open.splice(open.indexOf(path), 1);
      };
      return { close, getMany: async () => [] } as unknown as LevelStore;
    },
    list: async () => [],
    destroy: async (path) => {
      if (open.includes(path)) throw new Error(`${path} is open`);
    },
  };
  const clock = new SimClock(1_700_000_000_000);
  const pool = new StorePool(stores as LevelStores, { clock, logger: silentLogger, openMax, idleMs: IDLE_MS });
  const touch = (path: string) => pool.use(path, (store) => store.getMany([]));
  return { pool, clock, open, opened, touch };
}

test('a database that nobody uses is closed at most twice the idle time later, and opened again when it is wanted', async () => {
  const { clock, open, opened, touch } = poolOf();
  await touch('a');
  await clock.advance(IDLE_MS / 2);
  expect(open).toEqual(['a']);
  await clock.advance(1.5 * IDLE_MS);
  expect(open).toEqual([]);
  await touch('a');
  expect([open, opened]).toEqual([['a'], ['a', 'a']]);
});

test('one in steady use stays open while its neighbours are closed', async () => {
  const { clock, open, opened, touch } = poolOf();
  await touch('quiet');
  for (let i = 0; i < 10; i++) {
    await touch('busy');
    await clock.advance(IDLE_MS / 2);
  }
  expect(open).toEqual(['busy']);
  expect(opened).toEqual(['quiet', 'busy']);
});

test('what is being used is not closed, however long it takes', async () => {
  const { pool, clock, open } = poolOf();
  const { promise, resolve } = Promise.withResolvers<void>();
  const using = pool.use('a', () => promise);
  await clock.advance(10 * IDLE_MS);
  expect(open).toEqual(['a']);
  resolve();
  await using;
  await clock.advance(2 * IDLE_MS);
  expect(open).toEqual([]);
});

test('wanted while it is being closed: opened when that is done, never twice at once', async () => {
  const { clock, open, touch } = poolOf();
  for (let i = 0; i < 20; i++) {
    await touch('a');
    await Promise.all([clock.advance(2 * IDLE_MS), touch('a'), touch('b')]);
    expect(open.length).toBeLessThanOrEqual(2);
  }
});

test('no more are open than allowed: the least recently used goes', async () => {
  const { open, pool, touch } = poolOf({ openMax: 2 });
  for (const path of ['a', 'b', 'a', 'c']) await touch(path);
  expect(open).toEqual(['a', 'c']);
  expect(pool.openCount).toBe(2);
});

test('a closed pool has no timer left', async () => {
  const { pool, clock, open, opened, touch } = poolOf();
  await touch('a');
  await pool.close();
  await clock.advance(10 * IDLE_MS);
  expect([open, opened]).toEqual([[], ['a']]);
});
