import type { Random } from '@tidemark/base';
import { matcher } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { bitsOf, type OracleSample, oracle } from '@tidemark/testkit/rows';
import { expect, test } from 'vitest';
import { RowsWorld } from './rows-world.ts';

// A day of host metrics, and then a year in which little is said: log, rollup, storer, repair and engine on the simulated clock, with
// crashes at any moment. Whatever was sealed, compacted, expired or replayed meanwhile: raw answers for 7 days, minutes for 30
// days and hours for a year are what an oracle makes of the samples, which knows none of it; and nothing older is answered.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Math.ceil(1_700_000_000_000 / DAY_MS) * DAY_MS;
const KEPT_MS = { raw: 7 * DAY_MS, '1m': 30 * DAY_MS, '1h': 365 * DAY_MS };
const EVERYTHING = { graceMs: Number.POSITIVE_INFINITY, futureMs: Number.POSITIVE_INFINITY };
// Rows are out some seconds after grace; edges of retention move with each seal.
const SETTLED_MS = 7 * MINUTE_MS;
const EDGE_MS = 2 * MINUTE_MS;

/** What a host says of itself: counters that go up and now and then begin again, gauges in quarters. */
function hostSays(nowMs: number): OracleSample[] {
  const seconds = (nowMs - START_MS) / 1000;
  const samples: OracleSample[] = [];
  for (const cpu of [0, 1]) {
    // The host restarts every five hours and a bit.
    const value = (seconds % 18_500) * (cpu + 1);
    samples.push({ series: `node_cpu_seconds_total|h${cpu}`, timestampMs: nowMs, bits: bitsOf(value) });
  }
  samples.push({ series: 'node_load1|h0', timestampMs: nowMs, bits: bitsOf(((seconds / 60) % 37) / 4) });
  samples.push({
    series: 'node_memory_free|h0',
    timestampMs: nowMs,
    bits: bitsOf(2 ** 33 - ((seconds * 4096) % 2 ** 30)),
  });
  return samples;
}

async function raw(world: RowsWorld): Promise<Map<string, number>> {
  const { series, warnings } = await world.engine.source().select({
    tenant: 'default',
    matchers: [matcher('!=', '__name__', '')],
    range: { startMs: 0, endMs: 2 ** 43 },
    limits: { seriesMax: 1e6, samplesMax: 1e7 },
    signal: new AbortController().signal,
  });
  expect(warnings).toEqual([]);
  const found = new Map<string, number>();
  for (const { labels, timestampsMs, values } of series) {
    const name = labels.map(({ value }) => value).join('|');
    for (const [i, t] of timestampsMs.entries()) found.set(`default|${name}|${t}`, values[i] as number);
  }
  return found;
}

const timeOf = (key: string) => Number(key.slice(key.lastIndexOf('|') + 1));
const sorted = <T>(map: ReadonlyMap<string, T>, from: number, to: number) =>
  [...map].filter(([key]) => timeOf(key) >= from && timeOf(key) <= to).sort(([a], [b]) => (a < b ? -1 : 1));

async function expectAnswers(world: RowsWorld): Promise<void> {
  await world.engine.checkpoint();
  await world.engine.seal();
  const nowMs = world.clock.nowMs();
  const settledMs = nowMs - SETTLED_MS;
  const said = oracle(world.batches, EVERYTHING);
  const points = new Map(
    world.batches.flatMap(({ tenant, samples }) =>
      samples.map(({ series, timestampMs, bits }) => [`${tenant}|${series}|${timestampMs}`, numberOf(bits)] as const),
    ),
  );
  for (const [tier, expected, found] of [
    ['raw', points, await raw(world)],
    ['1m', said.rows, await world.rows('1m')],
    ['1h', said.hours, await world.rows('1h')],
  ] as const) {
    const oldestMs = nowMs - KEPT_MS[tier];
    expect(sorted<unknown>(found, oldestMs + EDGE_MS, settledMs), tier).toEqual(
      sorted<unknown>(expected, oldestMs + EDGE_MS, settledMs),
    );
    for (const key of found.keys()) expect(timeOf(key), `${tier} is kept no longer`).toBeGreaterThanOrEqual(oldestMs);
  }
}

function numberOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

async function livesADay(world: RowsWorld, random: Random, hours: number): Promise<void> {
  const endMs = world.clock.nowMs() + hours * HOUR_MS;
  let held: OracleSample[] = [];
  while (world.clock.nowMs() < endMs) {
    await world.pass(MINUTE_MS);
    const samples = hostSays(world.clock.nowMs());
    // Now and then a minute comes together with the next.
    if (random.next() < 0.05 && held.length === 0) held = samples;
    else {
      await world.feed('default', [...held, ...samples]);
      held = [];
    }
    if (random.next() < 0.01) await world.crash(random.below(2 ** 31));
    if (random.next() < 0.02) await world.engine.compact();
  }
}

async function livesSparsely(world: RowsWorld, random: Random, days: number): Promise<void> {
  const endMs = world.clock.nowMs() + days * DAY_MS;
  let aheadMs = 0;
  for (let since = 0; world.clock.nowMs() < endMs; ) {
    const stepMs = random.below(2 * DAY_MS) + HOUR_MS;
    aheadMs += stepMs;
    since += stepMs;
    // The machine slept.
    world.clock.set(aheadMs);
    await world.pass(40_000);
    await world.feed('default', hostSays(Math.floor(world.clock.nowMs() / 1000) * 1000));
    await world.pass(40_000);
    if (random.next() < 0.1) await world.crash(random.below(2 ** 31));
    if (random.next() < 0.5) await world.engine.compact();
    if (since < 40 * DAY_MS) continue;
    since = 0;
    await world.settle(10 * MINUTE_MS, MINUTE_MS);
    await expectAnswers(world);
  }
}

test(
  'a day of host metrics and a year of little: what is kept is answered, whatever became of it meanwhile',
  () =>
    withSeed('long-life', async (random) => {
      for (let round = 0; round < rounds(1); round++) {
        const world = new RowsWorld(START_MS);
        await world.start();
        await livesADay(world, random, 26);
        await expectAnswers(world);
        await livesSparsely(world, random, 400);
        await world.engine.compact();
        const { tiers } = world.engine.stats();
        // Compacted: a year of weeks would be 52.
        for (const tier of ['raw', '1m', '1h'] as const) expect(tiers[tier].segments, tier).toBeLessThan(20);
        expect(tiers['1h'].segments).toBeGreaterThan(0);
        await world.stop();
      }
    }),
  1_200_000,
);
