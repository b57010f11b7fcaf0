import { SelfMetrics, SimClock, seededRandom } from '@tidemark/base';
import { expect, test } from 'vitest';
import { makeS3Metrics } from './metrics.ts';
import { DEFAULT_S3_OPTIONS, type S3Options } from './options.ts';
import { S3Fault } from './requests.ts';
import { Retrier } from './retrier.ts';

const MIB = 1024 * 1024;

function world(options: Partial<S3Options> = {}) {
  const clock = new SimClock(0);
  const retrier = new Retrier({
    clock,
    random: seededRandom(3),
    options: { ...DEFAULT_S3_OPTIONS, ...options },
    metrics: makeS3Metrics(new SelfMetrics()),
    where: { bucket: 'b', endpoint: 'http://s3', region: 'r' },
  });
  const sentAtMs: number[] = [];
  const outcomes: unknown[] = [];
  /** Begins an operation whose requests do what `send` does. */
  const begin = async (send: () => Promise<unknown>, bytes = 0) => {
    const index = outcomes.push('under way') - 1;
    const attempt = () => {
      sentAtMs.push(clock.monotonicMs());
      return send();
    };
    retrier.run({ operation: 'get', name: 'a', bytes }, attempt).then(
      (value) => {
        outcomes[index] = value;
      },
      (error: unknown) => {
        outcomes[index] = error;
      },
    );
    await clock.advance(0);
    return () => outcomes[index];
  };
  return { clock, retrier, begin, sentAtMs };
}

const fails = (kind: ConstructorParameters<typeof S3Fault>[0]) => () =>
  Promise.reject(new S3Fault(kind, 'CODE', 'why'));
const hangs = () => new Promise<never>(() => undefined);

test('it backs off twice as long each time, up to a bound, half of it chance, until its deadline', async () => {
  const { clock, begin, sentAtMs } = world();
  const outcome = await begin(fails('failed'));
  await clock.advance(40_000);
  const pauses = sentAtMs.slice(1).map((atMs, i) => atMs - (sentAtMs[i] as number));
  for (const [i, pause] of pauses.entries()) {
    const most = Math.min(5000, 100 * 2 ** i);
    expect(pause).toBeGreaterThanOrEqual(most / 2);
    expect(pause).toBeLessThanOrEqual(most);
  }
  expect(sentAtMs.at(-1)).toBeLessThan(30_000);
  expect(sentAtMs.at(-1)).toBeGreaterThan(24_000);
  expect(outcome()).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE' });
});

test('what no repetition mends comes back at once', async () => {
  const { clock, begin, sentAtMs } = world();
  const outcome = await begin(fails('denied'));
  await clock.advance(1);
  expect(outcome()).toMatchObject({ kind: 'denied' });
  expect(sentAtMs).toEqual([0]);
});

test('a request without an answer is given up, and a large one has the longer', async () => {
  const { clock, begin, sentAtMs } = world({ slowestBytesPerMs: 100 });
  await begin(hangs);
  await begin(hangs, MIB);
  await clock.advance(30_000);
  expect(sentAtMs.map((atMs) => Math.floor(atMs / 1000))).toEqual([0, 0, 10, 20, 20]);
  expect(sentAtMs[4]).toBeGreaterThan(20_485);
});

test('once an operation gave up nobody waits, and one asks at a time, ever more seldom, until there is an answer', async () => {
  const { clock, begin, sentAtMs } = world();
  await begin(hangs);
  await begin(hangs);
  await clock.advance(60_000);
  const before = sentAtMs.length;
  const HOUR = 3_600_000;
  for (let ms = 0; ms < HOUR; ms += 1000) {
    const outcome = await begin(hangs);
    const another = await begin(hangs);
    await clock.advance(1000);
    expect([outcome(), another()]).toContainEqual(expect.objectContaining({ code: 'OBJECT_STORE_UNAVAILABLE' }));
  }
  // 10 s for the one who asks, 15 to 30 s between.
  expect(sentAtMs.length - before).toBeLessThan(HOUR / 25_000);
  expect(sentAtMs.length - before).toBeGreaterThan(HOUR / 45_000);
  await clock.advance(45_000);
  const back = await begin(() => Promise.resolve('here'));
  await clock.advance(1);
  expect(back()).toBe('here');
  const next = await begin(() => Promise.resolve('still'));
  await clock.advance(1);
  expect(next()).toBe('still');
});

test('requests and the bytes in memory are bounded; more wait in order, and above a bound are refused', async () => {
  const { clock, begin, sentAtMs } = world({ requestsMax: 3, bytesMax: 10 * MIB, waitingMax: 2 });
  const ends: (() => void)[] = [];
  const open = () => new Promise<string>((resolve) => ends.push(() => resolve('done')));
  await begin(open, 6 * MIB);
  const second = await begin(open, 6 * MIB);
  await begin(open);
  const refused = await begin(open);
  await clock.advance(1);
  expect(sentAtMs.length).toBe(1);
  expect(refused()).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE' });
  ends[0]?.();
  await clock.advance(1);
  expect(sentAtMs.length).toBe(3);
  ends[1]?.();
  await clock.advance(1);
  expect(second()).toBe('done');
  // Larger than all bytes allowed: alone.
  ends[2]?.();
  await clock.advance(1);
  await begin(open, 20 * MIB);
  await clock.advance(1);
  expect(sentAtMs.length).toBe(4);
});

test('closed, it lets go of what is under way, what waits and what backs off', async () => {
  const { clock, begin, retrier } = world({ requestsMax: 2 });
  const outcomes = [await begin(hangs), await begin(fails('busy')), await begin(hangs)];
  await clock.advance(1);
  retrier.close();
  await clock.advance(1);
  const later = await begin(() => Promise.resolve('late'));
  await clock.advance(1);
  for (const outcome of [...outcomes.slice(1), later]) {
    expect(outcome()).toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE' });
  }
});

test('of an operation under way it says how long it has waited, and what went wrong last', async () => {
  const { clock, retrier, begin } = world();
  let answer: (() => Promise<unknown>) | undefined;
  await begin(() => answer?.() ?? hangs());
  await clock.advance(4_999);
  expect(retrier.slow(5_000)).toBeUndefined();
  await clock.advance(1);
  expect(retrier.slow(5_000)).toBe('S3 at http://s3, bucket b has not answered for 5 s');
  answer = () => Promise.reject(new S3Fault('network', 'ECONNREFUSED', 'refused'));
  await clock.advance(7_000);
  expect(retrier.slow(5_000)).toMatch(
    /^S3 at http:\/\/s3, bucket b has not answered for 12 s: .*ECONNREFUSED.*check store\.s3\.endpoint/,
  );
  answer = () => Promise.resolve('here');
  await clock.advance(6_000);
  expect(retrier.slow(0)).toBeUndefined();
});
