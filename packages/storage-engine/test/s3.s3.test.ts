import { isTidemarkError, seededRandom, systemClock } from '@tidemark/base';
import type { FaultyProxy, S3 } from '@tidemark/testkit/real';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { objectStoreCases } from '../src/object-store/conformance.ts';
import type { S3Location } from '../src/object-store/s3/open.ts';
import type { S3Options } from '../src/object-store/s3/options.ts';
import { bytesOf, failing, type S3World, startS3World } from './s3-world.ts';

// The store on a real S3 server, with a proxy in front that breaks what networks break.

const MIB = 1024 * 1024;
let world: S3World;
let s3: S3;
let proxy: FaultyProxy;

beforeAll(async () => {
  world = await startS3World();
  ({ s3, proxy } = world);
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  proxy.decide = () => undefined;
});

const open = (location: Partial<S3Location> = {}, options: Partial<S3Options> = {}) => world.open(location, options);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const isWrite = ({ method }: { readonly method: string }) => method === 'PUT';

describe('conformance', () => {
  test.each(objectStoreCases)('$name', async ({ run }) => {
    const { store } = await open();
    await run(store);
    store.close();
  });

  test.each(objectStoreCases)('in parts of 5 MiB where not empty: $name', async ({ run }) => {
    const { store } = await open({}, { singlePutBytesMax: 0, partBytes: 5 * MIB });
    await run(store);
    store.close();
  });
});

describe('conformance through a network that loses, cuts and refuses', () => {
  test.each(objectStoreCases)('$name', async ({ run }) => {
    const { store, counted } = await open();
    const random = seededRandom(11);
    const faults = [{ kind: 'lose-reply' }, { kind: 'answer', status: 500 }, { kind: 'truncate', bytes: 1 }] as const;
    // Every other request, so that each comes to its end.
    let asked = 0;
    proxy.decide = () => (asked++ % 2 === 0 ? faults[random.below(faults.length)] : undefined);
    await run(store);
    const again = ['network', 'failed', 'damaged'].map((why) =>
      counted(`tidemark_s3_retries_total\\{reason="${why}"\\}`),
    );
    // Names that no request is made for have nothing to lose.
    expect(again.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(Math.min(1, asked));
    store.close();
  });
});

describe('large objects', () => {
  const large = bytesOf(12 * MIB + 345);

  test('go up in parts, come back whole and in ranges, and are put if absent and swapped as others are', async () => {
    const { store } = await open({}, { singlePutBytesMax: 6 * MIB, partBytes: 5 * MIB });
    const before = proxy.seen.length;
    expect(await store.putIfAbsent('large', large)).toBe(true);
    expect(proxy.seen.slice(before).filter(({ path }) => path.includes('partNumber=')).length).toBe(3);
    expect(await store.putIfAbsent('large', large)).toBe(false);
    const { bytes, etag } = await store.get('large');
    expect(Buffer.compare(bytes, large)).toBe(0);
    const range = await store.getRange('large', 5 * MIB - 3, 7);
    expect(Buffer.compare(range, large.subarray(5 * MIB - 3, 5 * MIB + 4))).toBe(0);
    const other = bytesOf(7 * MIB, 2);
    expect(await store.putIfMatches('large', other, etag)).not.toBe(etag);
    expect(isTidemarkError(await failing(store.putIfMatches('large', large, etag)), 'OBJECT_CHANGED')).toBe(true);
    expect(Buffer.compare((await store.get('large')).bytes, other)).toBe(0);
    store.close();
  });

  test('what completed, and whose replies were lost, is known as ours', async () => {
    const { store } = await open({}, { singlePutBytesMax: 6 * MIB, partBytes: 5 * MIB });
    let lost = 0;
    proxy.decide = ({ method, path }) =>
      method === 'POST' && path.includes('uploadId=') && lost++ === 0 ? { kind: 'lose-reply' } : undefined;
    expect(await store.putIfAbsent('large', large)).toBe(true);
    expect(lost).toBeGreaterThan(1);
    store.close();
  });

  test('an upload that fails is aborted; one that was left is removed when its lease is over', async () => {
    const { store, counted } = await open({}, { singlePutBytesMax: 6 * MIB, partBytes: 5 * MIB, uploadLeaseMs: 30 });
    proxy.decide = ({ path }) => (path.includes('partNumber=2') ? { kind: 'answer', status: 403 } : undefined);
    expect(isTidemarkError(await failing(store.putIfAbsent('large', large)), 'OBJECT_STORE_DENIED')).toBe(true);
    expect(await store.removeUnfinished()).toBe(0);
    // Neither the parts nor the abort get through: as after kill -9.
    proxy.decide = ({ path, method }) =>
      path.includes('partNumber=2') || method === 'DELETE' ? { kind: 'answer', status: 403 } : undefined;
    await failing(store.putIfAbsent('large', large));
    proxy.decide = () => undefined;
    expect(await store.removeUnfinished()).toBe(0);
    await systemClock.sleep(40);
    expect(await store.removeUnfinished()).toBe(1);
    expect(await store.removeUnfinished()).toBe(0);
    expect(counted('tidemark_s3_uploads_removed_total')).toBe(1);
    expect(await store.head('large')).toBeUndefined();
    store.close();
  });
});

describe('a network that breaks', () => {
  test.each([
    { name: 'a connection that breaks', fault: { kind: 'refuse' }, reason: 'network' },
    { name: 'an error inside', fault: { kind: 'answer', status: 500 }, reason: 'failed' },
    {
      name: 'a request to slow down',
      fault: { kind: 'answer', status: 503, body: '<Error><Code>SlowDown</Code><Message>slow</Message></Error>' },
      reason: 'busy',
    },
    {
      name: 'a gateway without its server',
      fault: { kind: 'answer', status: 502, body: '<html>no' },
      reason: 'failed',
    },
    { name: 'no answer', fault: { kind: 'stall' }, reason: 'timeout' },
  ] as const)('$name is tried again, for every operation', async ({ fault, reason }) => {
    const { store, counted } = await open({}, reason === 'timeout' ? { requestTimeoutMs: 500 } : {});
    proxy.next(fault);
    expect(await store.putIfAbsent('a', Buffer.from('one'))).toBe(true);
    proxy.next(fault);
    const { etag } = await store.get('a');
    proxy.next(fault);
    await store.putIfMatches('a', Buffer.from('two'), etag);
    proxy.next(fault);
    expect(text(await store.getRange('a', 1, 2))).toBe('wo');
    proxy.next(fault);
    expect((await store.head('a'))?.size).toBe(3);
    proxy.next(fault);
    for await (const { name } of store.list('')) expect(name).toBe('a');
    proxy.next(fault);
    await store.delete('a');
    expect(await store.head('a')).toBeUndefined();
    expect(counted(`tidemark_s3_retries_total\\{reason="${reason}"\\}`)).toBeGreaterThanOrEqual(7);
    store.close();
  });

  test('a write whose reply was lost is known as ours when it is refused because of itself', async () => {
    const { store } = await open();
    proxy.next({ kind: 'lose-reply' });
    expect(await store.putIfAbsent('m', Buffer.from('one'))).toBe(true);
    const { etag } = await store.get('m');
    proxy.next({ kind: 'lose-reply' });
    const second = await store.putIfMatches('m', Buffer.from('two'), etag);
    expect(await store.get('m')).toEqual({ bytes: new Uint8Array(Buffer.from('two')), etag: second });
    store.close();
  });

  test('somebody else who wrote the same bytes meanwhile has won all the same', async () => {
    const { store } = await open();
    const { prefix } = world;
    const { store: other } = await open({ prefix, endpoint: s3.endpoint });
    await store.putIfAbsent('m', Buffer.from('one'));
    const { etag } = await store.get('m');
    await other.putIfMatches('m', Buffer.from('two'), etag);
    proxy.next({ kind: 'refuse' });
    const late = await failing(store.putIfMatches('m', Buffer.from('two'), etag));
    expect(isTidemarkError(late, 'OBJECT_CHANGED')).toBe(true);
    proxy.next({ kind: 'refuse' });
    expect(await store.putIfAbsent('m', Buffer.from('two'))).toBe(false);
    store.close();
    other.close();
  });

  test('bodies that are cut short are fetched again; what stays damaged is said to be', async () => {
    const { store, counted } = await open();
    const bytes = bytesOf(300_000);
    await store.putIfAbsent('a', bytes);
    proxy.next({ kind: 'truncate', bytes: 100_000 });
    expect(Buffer.compare((await store.get('a')).bytes, bytes)).toBe(0);
    proxy.next({ kind: 'truncate', bytes: 10 }, { kind: 'truncate', bytes: 999 });
    expect((await store.getRange('a', 1000, 2000)).length).toBe(2000);
    expect(counted('tidemark_s3_bytes_total\\{direction="in"\\}')).toBe(302_000);
    store.close();
  });

  test('many are removed with one request, and a reply that was lost does no harm', async () => {
    const { store } = await open();
    const names = Array.from({ length: 30 }, (_, i) => `n/${i}`);
    await Promise.all(names.map((name) => store.putIfAbsent(name, Buffer.from(name))));
    const before = proxy.seen.length;
    proxy.next({ kind: 'lose-reply' });
    expect((await store.deleteAll([...names, 'not/there'])).size).toBe(0);
    expect(proxy.seen.length - before).toBe(2);
    for await (const { name } of store.list('')) expect.unreachable(name);
    store.close();
  });

  test('a list goes on where the page before ended', async () => {
    const { store } = await open();
    const names = Array.from({ length: 1100 }, (_, i) => `n/${String(i).padStart(5, '0')}`);
    await Promise.all(names.map((name) => store.putIfAbsent(name, Buffer.from('x'))));
    const got: string[] = [];
    for await (const { name } of store.list('n/')) got.push(name);
    expect(got).toEqual(names);
    expect((await store.deleteAll(names)).size).toBe(0);
    store.close();
  });
});

describe('an answer of somebody in between is not taken for one of S3', () => {
  test.each([
    { name: 'a 404 is no absent object', status: 404, body: '<html>not here</html>', code: 'OBJECT_STORE_REFUSED' },
    { name: 'a 404 without a word neither', status: 404, body: '', code: 'OBJECT_STORE_REFUSED' },
    {
      name: 'a 404 with another reason neither',
      status: 404,
      body: '<Error><Code>Gone</Code></Error>',
      code: 'OBJECT_STORE_REFUSED',
    },
    { name: 'a 412 is no other writer', status: 412, body: '', code: 'OBJECT_STORE_REFUSED' },
    {
      name: 'a page is no empty list',
      status: 200,
      body: '<html></html>',
      code: 'OBJECT_STORE_UNAVAILABLE',
      list: true,
    },
    { name: 'nothing is no empty list', status: 200, body: '', code: 'OBJECT_STORE_UNAVAILABLE', list: true },
  ])('$name', async ({ status, body, code, list }) => {
    const { store } = await open({}, { deadlineMs: 200 });
    proxy.decide = () => ({ kind: 'answer', status, body });
    const first = async () => {
      for await (const { name } of store.list('')) return name;
      return 'an empty list';
    };
    const works = list ? [first] : [() => store.get('a'), () => store.putIfMatches('a', bytesOf(3), 'etag')];
    for (const work of works) expect(await failing(work())).toMatchObject({ code });
    store.close();
  });
});

describe('an S3 that is away', () => {
  test('costs one deadline, then is refused at once, and is found again', async () => {
    const { store, counted } = await open({}, { deadlineMs: 2000, requestTimeoutMs: 1000, awayMs: 4000 });
    await store.putIfAbsent('a', Buffer.from('a'));
    proxy.decide = () => ({ kind: 'stall' });
    expect(isTidemarkError(await failing(store.get('a')), 'OBJECT_STORE_UNAVAILABLE')).toBe(true);
    const before = proxy.seen.length;
    expect(String(await failing(store.get('a')))).toMatch(/has not answered for \d+ s/);
    expect(proxy.seen.length).toBe(before);
    expect(counted('tidemark_s3_away')).toBe(1);
    proxy.decide = () => undefined;
    await expect
      .poll(
        () =>
          store
            .get('a')
            .then(({ bytes }) => text(bytes))
            .catch(() => 'away'),
        { timeout: 30_000 },
      )
      .toBe('a');
    expect(counted('tidemark_s3_away')).toBe(0);
    store.close();
  });

  test('closing lets go of requests that are under way', async () => {
    const { store } = await open({}, { deadlineMs: 60_000, requestTimeoutMs: 60_000, requestsMax: 2 });
    proxy.decide = () => ({ kind: 'stall' });
    const waiting = ['a', 'b', 'c', 'd'].map((name) => failing(store.get(name)));
    await expect
      .poll(() => proxy.seen.filter(({ path }) => path.includes(`${world.prefix}/`)).length, { timeout: 30_000 })
      .toBe(2);
    store.close();
    for (const each of await Promise.all(waiting)) expect(isTidemarkError(each, 'OBJECT_STORE_UNAVAILABLE')).toBe(true);
  });
});

describe('what somebody has to mend is said with its code and how', () => {
  const put = async (location: Partial<S3Location>) => {
    const { store } = await open(location, { deadlineMs: 300 });
    try {
      return (await failing(store.putIfAbsent('a', Buffer.from('a')))) as Error & { readonly code: string };
    } finally {
      store.close();
    }
  };

  test('a bucket that is not there', async () => {
    const { code, message } = await put({ bucket: 'tidemark-nowhere' });
    expect(code).toBe('OBJECT_STORE_NO_BUCKET');
    expect(message).toMatch(
      /bucket tidemark-nowhere: there is no such bucket; make it, or name another one in store.objects/,
    );
  });

  test('a key that nobody knows, and a secret that does not fit', async () => {
    const unknown = await put({ credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } });
    expect(unknown.code).toBe('OBJECT_STORE_DENIED');
    expect(unknown.message).toContain('check store.s3.accessKeyId');
    const wrong = await put({ credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: 'x' } });
    expect(wrong.code).toBe('OBJECT_STORE_DENIED');
    expect(wrong.message).toContain('check store.s3.secretAccessKey');
    expect(`${unknown.message}${wrong.message}`).not.toContain(s3.secretAccessKey);
  });

  test('a port where nothing listens', async () => {
    const { code, message } = await put({ endpoint: 'http://127.0.0.1:1' });
    expect(code).toBe('OBJECT_STORE_UNAVAILABLE');
    expect(message).toContain('http://127.0.0.1:1');
    expect(message).toContain('nothing listens there: check store.s3.endpoint');
  });

  test.each([
    ['RequestTimeTooSkewed', 403, 'OBJECT_STORE_CLOCK_SKEW', "set this machine's clock right"],
    ['AuthorizationHeaderMalformed', 400, 'OBJECT_STORE_WRONG_REGION', 'set store.s3.region'],
    ['AccessDenied', 403, 'OBJECT_STORE_DENIED', 's3:PutObject'],
    ['NotImplemented', 501, 'OBJECT_STORE_REFUSED', 'an S3 with conditional writes is needed'],
  ])('%s', async (name, status, expected, hint) => {
    proxy.decide = (request) =>
      isWrite(request)
        ? { kind: 'answer', status, body: `<Error><Code>${name}</Code><Message>so it is</Message></Error>` }
        : undefined;
    const { code, message } = await put({});
    expect(code).toBe(expected);
    expect(message).toContain(hint);
  });
});
