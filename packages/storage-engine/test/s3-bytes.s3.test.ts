import dns from 'node:dns';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom, systemClock } from '@tidemark/base';
import { BatchBuilder, labelsOf, matcher } from '@tidemark/model';
import type { FaultyProxy } from '@tidemark/testkit/real';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openStorageEngine } from '../src/index.ts';
import type { ObjectStore } from '../src/object-store/object-store.ts';
import { MemoryLevelStores } from '../src/sim.ts';
import { bytesOf, failing, type S3World, startS3World } from './s3-world.ts';
import { KEY, START_MS, World } from './world.ts';

// Bytes that are others than they should be: on their way to a real S3 server, on their way back, and where they lie. None is ever
// taken for what was put. And how bytes get there: slowly, in parts while the server dies, under either style of address.

const MIB = 1024 * 1024;
const IN_PARTS = { singlePutBytesMax: 6 * MIB, partBytes: 5 * MIB };

let world: S3World;
let proxy: FaultyProxy;

beforeAll(async () => {
  world = await startS3World({ own: true });
  proxy = world.proxy;
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  proxy.decide = () => undefined;
});

/** Turns a bit over in the file of an object of the room that was opened last. */
async function damageAtRest(name: string, byte: number): Promise<void> {
  const path = join(world.s3.folder as string, world.prefix, name);
  const bytes = await readFile(path);
  bytes[byte] = (bytes[byte] as number) ^ 1;
  await writeFile(path, bytes);
}

const isPart = (path: string) => path.includes('partNumber=');

describe('a flipped bit', () => {
  const content = bytesOf(100_000);

  test('on its way there is refused by the server, and sent again', async () => {
    const { store, counted } = await world.open();
    proxy.next({ kind: 'flip', of: 'request', byte: 77_777 });
    expect(await store.putIfAbsent('a', content)).toBe(true);
    expect(counted('tidemark_s3_retries_total\\{reason="damaged"\\}')).toBe(1);
    expect(Buffer.compare((await store.get('a')).bytes, content)).toBe(0);
    store.close();
  });

  test('in one of many parts is refused, and the part sent again', async () => {
    const { store, counted } = await world.open({}, IN_PARTS);
    const large = bytesOf(12 * MIB);
    let flips = 0;
    proxy.decide = ({ path }) =>
      isPart(path) && flips++ === 1 ? { kind: 'flip', of: 'request', byte: 4_000_000 } : undefined;
    expect(await store.putIfAbsent('large', large)).toBe(true);
    expect(counted('tidemark_s3_retries_total\\{reason="damaged"\\}')).toBe(1);
    expect(Buffer.compare((await store.get('large')).bytes, large)).toBe(0);
    store.close();
  });

  test('on its way there every time: nothing is stored, and it is said', async () => {
    const { store } = await world.open();
    proxy.decide = ({ method }) => (method === 'PUT' ? { kind: 'flip', of: 'request', byte: 3 } : undefined);
    expect(await failing(store.putIfAbsent('a', content))).toMatchObject({ code: 'OBJECT_CORRUPT' });
    expect(await store.head('a')).toBeUndefined();
    store.close();
  });

  test('on its way back is noticed, and fetched again', async () => {
    const { store, counted } = await world.open();
    await store.putIfAbsent('a', content);
    proxy.next({ kind: 'flip', of: 'answer', byte: 99_999 });
    expect(Buffer.compare((await store.get('a')).bytes, content)).toBe(0);
    expect(counted('tidemark_s3_retries_total\\{reason="damaged"\\}')).toBe(1);
    store.close();
  });

  test.each([
    { name: 'whole', size: 100_000 },
    { name: 'in parts', size: 11 * MIB },
  ])('where it lies is refused: $name', async ({ size }) => {
    const { store } = await world.open({}, IN_PARTS);
    await store.putIfAbsent('a', bytesOf(size));
    await damageAtRest('a', size - 10);
    expect(await failing(store.get('a'))).toMatchObject({ code: 'OBJECT_CORRUPT' });
    store.close();
  });
});

describe('a sealed segment', () => {
  const HOUR = 3_600_000;
  const TP = { topic: 'tidemark.raw', partition: 0 };
  const SAMPLES = 400;

  async function sealed(store: ObjectStore) {
    const { clock } = new World();
    const open = () =>
      openStorageEngine({
        disk: new World().disk,
        levelStores: new MemoryLevelStores(),
        objectStore: store,
        clock,
        installationKey: KEY,
      });
    const engine = await open();
    const builder = new BatchBuilder('default');
    for (let i = 0; i < SAMPLES; i++) builder.addLabels(labelsOf({ __name__: 'up' }), START_MS + i * 15_000, i / 4);
    engine.applySamples({ ...TP, offset: 0, batch: builder.build(START_MS) });
    await clock.advance(5 * HOUR);
    const { windows, failures } = await engine.seal();
    expect(failures).toEqual([]);
    await engine.close();
    const values = async () => {
      // Nothing local, nothing in a cache.
      const fresh = await open();
      const { series, warnings } = await fresh.source().select({
        tenant: 'default',
        matchers: [matcher('=', '__name__', 'up')],
        range: { startMs: START_MS, endMs: START_MS + 2 * HOUR },
        limits: { seriesMax: 100, samplesMax: 100_000 },
        signal: new AbortController().signal,
      });
      await fresh.close();
      return { values: [...(series[0]?.values ?? [])], warnings };
    };
    return { values, objects: windows.flatMap(({ objects }) => objects) };
  }
  const RIGHT = Array.from({ length: SAMPLES }, (_, i) => i / 4);

  test('is read right though a piece of it changed on its way, whichever', async () => {
    const { store } = await world.open();
    const { values } = await sealed(store);
    const pieces = () => proxy.seen.filter(({ headers }) => headers['range'] !== undefined).length;
    const before = pieces();
    expect(await values()).toEqual({ values: RIGHT, warnings: [] });
    const asked = pieces() - before;
    expect(asked).toBeGreaterThan(1);
    for (let which = 0; which < asked; which++) {
      let at = 0;
      proxy.decide = ({ headers }) => {
        const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(String(headers['range'])) ?? [];
        if (from === undefined || at++ !== which) return undefined;
        return { kind: 'flip', of: 'answer', byte: Number(to) - Number(from) };
      };
      expect(await values()).toEqual({ values: RIGHT, warnings: [] });
      expect(at).toBeGreaterThan(asked);
    }
    store.close();
  });

  test('is never answered from where a bit of it is another: what is missing is said', async () => {
    const { store } = await world.open();
    const { values, objects } = await sealed(store);
    const [name = ''] = objects;
    const { size = 0 } = (await store.head(name)) ?? {};
    const random = seededRandom(5);
    let noticed = 0;
    for (let round = 0; round < 40; round++) {
      const byte = random.below(size);
      await damageAtRest(name, byte);
      const { values: got, warnings } = await values();
      if (warnings.length > 0) noticed++;
      else expect(got).toEqual(RIGHT);
      for (const value of got) expect(RIGHT).toContain(value);
      await damageAtRest(name, byte);
    }
    expect(noticed).toBeGreaterThan(30);
    store.close();
  });
});

test('a slow line has the time its bytes take; one that is slower still is given up and asked again', async () => {
  const { store, counted } = await world.open({}, { requestTimeoutMs: 1000, slowestBytesPerMs: 33 });
  const content = bytesOf(100_000);
  await store.putIfAbsent('a', content);
  // 2 s: more than a request has, and less than 100 kB have beside it.
  proxy.next({ kind: 'slow', pieceBytes: 5000, pauseMs: 100 });
  expect((await store.getRange('a', 0, 100_000)).length).toBe(100_000);
  expect(counted('tidemark_s3_retries_total\\{reason="timeout"\\}')).toBe(0);
  proxy.next({ kind: 'slow', pieceBytes: 1000, pauseMs: 100 });
  expect((await store.getRange('a', 0, 100_000)).length).toBe(100_000);
  expect(counted('tidemark_s3_retries_total\\{reason="timeout"\\}')).toBe(1);
  store.close();
});

test('a server that is killed in the middle of an upload and comes back gets the rest of it', async () => {
  const { store } = await world.open({}, { ...IN_PARTS, deadlineMs: 30_000, backoffMaxMs: 200 });
  const large = bytesOf(16 * MIB);
  let parts = 0;
  let back: Promise<void> | undefined;
  proxy.decide = ({ path }) => {
    if (isPart(path) && parts++ === 2)
      back = world.s3.process
        ?.kill9()
        .then(() => systemClock.sleep(300))
        .then(() => world.s3.restart());
    return undefined;
  };
  expect(await store.putIfAbsent('large', large)).toBe(true);
  expect(back).toBeDefined();
  await back;
  expect(Buffer.compare((await store.get('large')).bytes, large)).toBe(0);
  expect(await store.removeUnfinished()).toBe(0);
  store.close();
});

describe('addresses', () => {
  test('with the bucket in the path', async () => {
    const { store } = await world.open({ pathStyle: true });
    const before = proxy.seen.length;
    await store.putIfAbsent('a', bytesOf(10));
    expect(proxy.seen[before]).toMatchObject({
      path: expect.stringMatching(new RegExp(`^/${world.s3.bucket}/${world.prefix}/a`)),
      headers: { host: new URL(proxy.url).host },
    });
    store.close();
  });

  test('with the bucket in the host', async () => {
    const { bucket, domain = '' } = world.s3;
    const { port } = new URL(proxy.url);
    const lookup = dns.lookup;
    // Whatever resolves names here: this one is ours.
    const spy = vi
      .spyOn(dns, 'lookup')
      .mockImplementation(((name: string, ...rest: [never]) =>
        lookup(name.endsWith(domain) ? '127.0.0.1' : name, ...rest)) as typeof dns.lookup);
    try {
      const { store } = await world.open({ pathStyle: false, endpoint: `http://${domain}:${port}` });
      const before = proxy.seen.length;
      const content = bytesOf(1000);
      expect(await store.putIfAbsent('a', content)).toBe(true);
      expect(proxy.seen[before]).toMatchObject({
        path: expect.stringMatching(new RegExp(`^/${world.prefix}/a`)),
        headers: { host: `${bucket}.${domain}:${port}` },
      });
      expect(Buffer.compare((await store.get('a')).bytes, content)).toBe(0);
      const names: string[] = [];
      for await (const { name } of store.list('')) names.push(name);
      expect(names).toEqual(['a']);
      store.close();
    } finally {
      spy.mockRestore();
    }
  });
});
