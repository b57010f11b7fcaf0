import { isTidemarkError, type Random, SelfMetrics, SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { describe, expect, test } from 'vitest';
import { objectStoreCases } from '../conformance.ts';
import { makeS3Metrics } from './metrics.ts';
import { DEFAULT_S3_OPTIONS, type S3Options } from './options.ts';
import { S3ObjectStore } from './s3-object-store.ts';
import { NO_S3_FAULTS, SimS3Requests } from './sim-requests.ts';

// The store on a simulated S3 and a simulated clock: whatever happens to requests, an outcome that is told is true.

function world(random: Random, options: Partial<S3Options> = {}) {
  const clock = new SimClock(1_700_000_000_000);
  const s3 = new SimS3Requests(clock, random);
  const open = () =>
    new S3ObjectStore({
      requests: s3,
      where: { bucket: 'bucket', endpoint: 'http://sim', region: 'sim' },
      prefix: 'room/',
      clock,
      random,
      logger: silentLogger,
      metrics: makeS3Metrics(new SelfMetrics()),
      options: { ...DEFAULT_S3_OPTIONS, ...options },
    });
  /** Lets time pass until the work is done. */
  const run = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    const ended = work.finally(() => {
      done = true;
    });
    ended.catch(() => undefined);
    while (!done) await clock.advance(20);
    return ended;
  };
  return { clock, s3, open, run };
}

const FAULTY = { refused: 0.05, lost: 0.1, failed: 0.05, busy: 0.05, slow: 0.1, slowMs: 700, damaged: 0.1 };
// Small, so that most writes go up in parts.
const IN_PARTS = { singlePutBytesMax: 40, partBytes: 16 };

describe.each([
  { name: 'without faults', faults: NO_S3_FAULTS, options: {} },
  { name: 'with faults', faults: FAULTY, options: {} },
  { name: 'with faults, in parts', faults: FAULTY, options: { singlePutBytesMax: 1, partBytes: 2 } },
])('conformance $name', ({ faults, options }) => {
  test.each(objectStoreCases)('$name', async ({ run: play }) => {
    const { s3, open, run } = world(seededRandom(7), options);
    s3.faults = faults;
    await run(play(open()));
  });
});

test('a put that says it was first was, and one that says it was not was not', () =>
  withSeed('put if absent', async (random) => {
    const { s3, open, run, clock } = world(random, IN_PARTS);
    const stores = [open(), open(), open()];
    for (let round = 0; round < rounds(60); round++) {
      const name = `o/${round}`;
      const contents = stores.map((_, i) => Uint8Array.of(i, ...random.bytes(random.below(100))));
      s3.faults = FAULTY;
      const outcomes = await run(
        Promise.allSettled(stores.map((store, i) => store.putIfAbsent(name, contents[i] as Uint8Array))),
      );
      const early = await run(Promise.allSettled(stores.map((store) => store.get(name))));
      // Any of them may have left S3 alone for a while.
      s3.faults = NO_S3_FAULTS;
      await clock.advance(DEFAULT_S3_OPTIONS.awayMaxMs);
      const { bytes } = await run(stores[0]?.get(name) as Promise<{ bytes: Uint8Array }>);
      for (const each of early) if (each.status === 'fulfilled') expect(each.value.bytes).toEqual(bytes);
      for (const [i, outcome] of outcomes.entries()) {
        const mine = Buffer.compare(bytes, contents[i] as Uint8Array) === 0;
        if (outcome.status === 'fulfilled') expect({ i, first: outcome.value }).toEqual({ i, first: mine });
        else expect(outcome.reason).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE' });
      }
    }
    if (rounds(60) >= 60)
      expect([...s3.done.keys()].sort()).toEqual(['busy', 'damaged', 'failed', 'lost', 'network', 'slow'].sort());
  }));

test('what several writers add by compare and swap is there once each', () =>
  withSeed('swaps', async (random) => {
    // A list that only grows costs the square of its length.
    const EACH = 12;
    for (let left = rounds(EACH); left > 0; left -= EACH) await addTogether(random, EACH);
  }));

async function addTogether(random: Random, each: number): Promise<void> {
  const { s3, open, run, clock } = world(random, IN_PARTS);
  const stores = [open(), open(), open()];
  await run(stores[0]?.putIfAbsent('list', Buffer.from('')) as Promise<boolean>);
  s3.faults = FAULTY;
  const add = async (store: S3ObjectStore, id: string) => {
    for (;;) {
      try {
        const { bytes, etag } = await store.get('list');
        const there = Buffer.from(bytes).toString();
        if (there.includes(`${id};`)) return;
        await store.putIfMatches('list', Buffer.from(`${there}${id};`), etag);
        return;
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        expect(['OBJECT_CHANGED', 'OBJECT_STORE_UNAVAILABLE', 'OBJECT_CORRUPT']).toContain(error.code);
        await clock.sleep(100);
      }
    }
  };
  const writers = stores.map(async (store, writer) => {
    for (let i = 0; i < each; i++) await add(store, `${writer}-${i}`);
  });
  await run(Promise.all(writers));
  s3.faults = NO_S3_FAULTS;
  await clock.advance(DEFAULT_S3_OPTIONS.awayMaxMs);
  const { bytes } = await run(stores[0]?.get('list') as Promise<{ bytes: Uint8Array }>);
  const found = Buffer.from(bytes).toString().split(';').slice(0, -1);
  const expected = stores.flatMap((_, writer) => Array.from({ length: each }, (__, i) => `${writer}-${i}`));
  expect(found.toSorted()).toEqual(expected.toSorted());
}

test('a swap that is alone is told its own outcome, whatever replies were lost', () =>
  withSeed('alone', async (random) => {
    const { s3, open, run } = world(random, IN_PARTS);
    const store = open();
    await run(store.putIfAbsent('m', Buffer.from('start')));
    s3.faults = { ...NO_S3_FAULTS, lost: 0.4 };
    for (let round = 0; round < rounds(60); round++) {
      const next = random.bytes(1 + random.below(100));
      const { etag } = await run(store.get('m'));
      const fresh = await run(store.putIfMatches('m', next, etag));
      expect(await run(store.get('m'))).toEqual({ bytes: next, etag: fresh });
    }
    if (rounds(60) >= 60) expect(s3.done.get('lost')).toBeGreaterThan(10);
  }));

test('uploads that nobody ends are removed after their lease, and those under way are not', () =>
  withSeed('uploads', async (random) => {
    const { s3, open, run, clock } = world(random, IN_PARTS);
    const store = open();
    const other = open();
    const left = other.putIfAbsent('left', random.bytes(100)).catch((error: unknown) => error);
    while (s3.uploads() === 0) await clock.advance(1);
    other.close();
    expect(await run(left)).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE' });
    expect(s3.uploads()).toBe(1);
    expect(await run(store.removeUnfinished())).toBe(0);
    await clock.advance(DEFAULT_S3_OPTIONS.uploadLeaseMs);
    expect(await run(store.removeUnfinished())).toBe(1);
    expect(s3.uploads()).toBe(0);
    expect(s3.keys()).toEqual([]);
  }));

test('an object that stays damaged is said to be, after a few tries, and the store does not count as away', async () => {
  const { s3, open, run } = world(seededRandom(1));
  const store = open();
  await run(store.putIfAbsent('a', Buffer.from('abc')));
  await run(store.putIfAbsent('b', Buffer.from('abc')));
  s3.flip('room/a', 3);
  await expect(run(store.get('a'))).rejects.toMatchObject({ code: 'OBJECT_CORRUPT' });
  expect(s3.calls.get('get')).toBe(DEFAULT_S3_OPTIONS.damagedTriesMax);
  expect((await run(store.get('b'))).bytes.length).toBe(3);
});
