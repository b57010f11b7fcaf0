import { expect, test } from 'vitest';
import { DAY, HOUR, KeptWorld, named, type Point } from './kept-world.ts';
import { START_MS } from './world.ts';

// Rules of retention, walked through: what a tenant and a metric is kept, day by day.

// The beginning of a day, so that whole days are whole spans.
const FROM_MS = Math.ceil(START_MS / DAY) * DAY;
const DEFAULTS = { raw: 7 * DAY, '1m': 30 * DAY, '1h': 365 * DAY };
const METRICS = ['up', 'debug_one', 'slo_x'];
const RULES = [
  { metric: 'debug_.*', keepMs: { raw: 2 * DAY } },
  { metric: 'slo_.*', keepMs: { raw: 20 * DAY, '1m': 60 * DAY } },
  { tenant: 'brief', keepMs: { raw: 3 * DAY, '1m': 4 * DAY } },
];

/** A world in which every metric of two tenants says something each hour. */
async function begin(options: ConstructorParameters<typeof KeptWorld>[0]): Promise<KeptWorld> {
  const it = new KeptWorld(options);
  await it.world.open();
  await it.world.clock.advance(FROM_MS - START_MS);
  return it;
}

async function live(it: KeptWorld, hours: number, more: readonly Point[] = []): Promise<void> {
  for (let hour = 0; hour < hours; hour++) {
    const atMs = it.world.clock.nowMs();
    const points = ['default', 'brief'].flatMap((tenant) =>
      METRICS.map((metric) => ({ tenant, metric, atMs, value: hour })),
    );
    it.say('raw', [...points, ...more]);
    it.say('1m', points);
    await it.world.clock.advance(HOUR);
    if (hour % 3 === 0) await it.seal();
    if (hour % 12 === 0) await it.world.engine.compact();
  }
  await it.seal();
}

const samplesOf = async (it: KeptWorld, tenant: string) =>
  (await it.entries()).map(({ tenants }) => tenants.find((one) => one.tenant === tenant)?.samples ?? 0);

test('every series is answered for its own time, and day by day reclaimed', async () => {
  const it = await begin({ retentionMs: DEFAULTS, retentionRules: RULES });
  const check = () => it.check(['default', 'brief'], METRICS);
  await live(it, 27);
  await it.world.engine.compact();
  expect((await samplesOf(it, 'default'))[0]).toBe(24 * 3);
  await check();
  expect((await it.answer('raw', 'default', named('debug_one'))).size).toBe(27);
  // Two and a half days later what is kept for two days is over, by half.
  await it.world.clock.advance(DAY + 12 * HOUR);
  await it.seal();
  await check();
  expect((await it.answer('raw', 'default', named('debug_one'))).size).toBe(12);
  // The first day has one debug metric of three for each tenant, and goes without it when all of that is over.
  await it.world.clock.advance(HOUR * 13);
  await it.seal();
  await it.world.engine.compact();
  expect((await samplesOf(it, 'default'))[0]).toBe(24 * 2);
  await check();
  // The other tenant is over after three days and its three hours: it leaves the segment.
  await it.world.clock.advance(DAY);
  await it.seal();
  await it.world.engine.compact();
  expect((await samplesOf(it, 'brief'))[0]).toBe(24);
  await check();
  // Then all but what is kept longest.
  await it.world.clock.advance(5 * DAY);
  await it.seal();
  await it.world.engine.compact();
  expect((await samplesOf(it, 'default'))[0]).toBe(24);
  await check();
  it.world.crash(1);
  await it.world.open();
  await check();
  // What a crash left goes when it was seen twice.
  for (let hours = 0; hours < 3; hours++) {
    await it.world.clock.advance(HOUR);
    await it.world.engine.compact();
  }
  expect(it.world.objects.names().filter((name) => name.includes('/raw/')).length).toBe((await it.entries()).length);
  // And in the end nothing.
  await it.world.clock.advance(20 * DAY);
  await it.seal();
  await it.world.engine.compact();
  expect(await it.entries()).toEqual([]);
  expect((await it.answer('1m', 'default', named('slo_x'))).size).toBe(27);
  await check();
  it.world.crash(2);
  await it.world.open();
  await check();
});

test('nothing is written anew twice for the same, nor for what is merged soon', async () => {
  const it = await begin({ retentionMs: DEFAULTS, retentionRules: RULES });
  await live(it, 27);
  await it.world.clock.advance(2 * DAY);
  await it.seal();
  expect((await it.world.engine.compact()).jobs).toBeGreaterThan(0);
  expect((await it.world.engine.compact()).jobs).toBe(0);
  it.world.crash(1);
  await it.world.open();
  expect((await it.world.engine.compact()).jobs).toBe(0);
  await it.check(['default', 'brief'], METRICS);
});

test('raw that the rollup has not read stays, in whatever is written anew', async () => {
  let rolledUpThrough = 0;
  const options = { retentionMs: DEFAULTS, retentionRules: RULES, rolledUpThrough: () => rolledUpThrough };
  const it = await begin(options);
  await live(it, 27);
  await it.world.clock.advance(6 * DAY);
  await it.seal();
  await it.world.engine.compact();
  const sum = (list: readonly number[]) => list.reduce((all, one) => all + one, 0);
  expect(sum(await samplesOf(it, 'default'))).toBe(27 * METRICS.length);
  // It is answered as well: nobody has anything else of it.
  expect((await it.answer('raw', 'default', named('debug_one'))).size).toBeGreaterThanOrEqual(26);
  rolledUpThrough = 10_000;
  await it.seal();
  await it.world.engine.compact();
  expect(sum(await samplesOf(it, 'brief'))).toBe(27);
  await it.check(['default', 'brief'], METRICS);
});

test('rules that change are heeded at once: what they keep longer stays, what they keep shorter is not answered', async () => {
  const it = await begin({ retentionMs: DEFAULTS, retentionRules: [] });
  await live(it, 27);
  await it.world.clock.advance(4 * DAY);
  await it.seal();
  it.change(DEFAULTS, RULES);
  await it.check(['default', 'brief'], METRICS);
  expect((await it.answer('raw', 'default', named('debug_one'))).size).toBe(0);
  // Not removed yet, so it is back.
  it.change(DEFAULTS, [{ metric: 'debug_one', keepMs: { raw: 10 * DAY } }]);
  expect((await it.answer('raw', 'default', named('debug_one'))).size).toBe(27);
  it.change({ ...DEFAULTS, raw: 2 * DAY }, [{ metric: 'debug_one', keepMs: { raw: 10 * DAY } }]);
  await it.world.engine.compact();
  expect((await samplesOf(it, 'default'))[0]).toBe(24);
  await it.check(['default', 'brief'], METRICS);
  expect(() => it.world.engine.setRetention(DEFAULTS, [{ metric: '(', keepMs: { raw: DAY } }])).toThrow('invalid');
  await it.check(['default', 'brief'], METRICS);
});

test('a late sample for a window that is gone for its tenant begins its next life', async () => {
  const it = await begin({ retentionMs: DEFAULTS, retentionRules: [{ tenant: 'alone', keepMs: { raw: DAY } }] });
  const atMs = it.world.clock.nowMs();
  it.say('raw', [{ tenant: 'alone', metric: 'up', atMs, value: 1 }]);
  await it.world.clock.advance(2 * DAY);
  await it.seal();
  await it.seal();
  expect(await it.entries()).toEqual([]);
  it.say('raw', [{ tenant: 'default', metric: 'up', atMs, value: 2 }]);
  await it.seal();
  expect((await it.entries()).map(({ sequence }) => sequence)).toEqual([1]);
  await it.check(['default', 'alone'], ['up']);
  // A replay from the beginning skips what was sealed, and keeps what is wanted.
  it.world.loseDisk();
  await it.world.open();
  it.catchUp();
  await it.check(['default', 'alone'], ['up']);
});
