import type { Random } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { bitsOf, linesOf, type OracleSample, oracle } from '@tidemark/testkit/rows';
import { expect, test } from 'vitest';
import { RowsWorld } from './rows-world.ts';

// Whatever came late, twice, out of order, hours or days old, and whatever clock or process did meanwhile: in the end every
// stored row is made of all samples there are.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
// 10 minutes after an hour.
const START_MS = 1_700_006_400_000 + 10 * 60_000;
/** How far a wall clock may be off: ahead or behind by a little, by minutes, by hours; right again before long. */
const CLOCK_OFF_MS = [0, 0, 0, 150_000, -90_000, 20 * 60_000, -20 * 60_000, 3 * HOUR_MS, -3 * HOUR_MS, DAY_MS];
const EVERYTHING = { graceMs: Number.POSITIVE_INFINITY, futureMs: Number.POSITIVE_INFINITY };

async function expectRowsOfEverything(world: RowsWorld): Promise<void> {
  const { rows, hours } = oracle(world.batches, EVERYTHING);
  expect(linesOf(await world.rows('1m'))).toEqual(linesOf(rows));
  expect(linesOf(await world.rows('1h'))).toEqual(linesOf(hours));
}

const sample = (series: string, timestampMs: number, value: number): OracleSample => ({
  series,
  timestampMs,
  bits: bitsOf(value),
});

/** One sample each `stepMs` in `[fromMs, toMs)`. */
const run = (series: string, fromMs: number, toMs: number, stepMs: number) =>
  Array.from({ length: Math.ceil((toMs - fromMs) / stepMs) }, (_, i) =>
    sample(series, fromMs + i * stepMs, (i * 7) % 50),
  );

test('a backfill of hours and days, out of order, is in its rows soon', async () => {
  const world = new RowsWorld(START_MS);
  await world.start();
  const fromMs = START_MS - 2 * DAY_MS;
  const old = run('m0|h0', fromMs, fromMs + 3 * HOUR_MS, 30_000);
  for (const from of [240, 0, 120]) await world.feed('default', old.slice(from, from + 120));
  await world.feed('acme', run('m0|h0', START_MS - 5 * HOUR_MS, START_MS - 4 * HOUR_MS, 60_000));
  // What is over is made anew within seconds, whether or not anything else comes.
  await world.pass(20_000);
  await expectRowsOfEverything(world);
  expect(world.metric('tidemark_rollup_dropped_points_total{reason="beyond_grace"}')).toBeGreaterThan(0);
  await world.stop();
});

test('minutes of the hour under way are made anew at once, and its row when it is over, on a partition that fell silent too', async () => {
  const world = new RowsWorld(START_MS + 30 * 60_000);
  await world.start();
  const nowMs = START_MS + 30 * 60_000;
  await world.feed('default', run('m0|h0', nowMs - 60_000, nowMs, 10_000));
  await world.feed('default', run('m0|h0', nowMs - 20 * 60_000, nowMs - 15 * 60_000, 10_000));
  await world.pass(90_000);
  const { rows } = oracle(world.batches, EVERYTHING);
  expect(linesOf(await world.rows('1m'))).toEqual(linesOf(rows));
  await world.pass(HOUR_MS);
  await expectRowsOfEverything(world);
  await world.stop();
});

test('marks outlive a crash that comes before their repair', async () => {
  const world = new RowsWorld(START_MS);
  await world.start();
  for (let i = 0; i < 12; i++) {
    await world.feed(
      'default',
      run(`m${i % 3}|h${i}`, START_MS - (i + 3) * HOUR_MS, START_MS - (i + 2) * HOUR_MS, 60_000),
    );
    await world.pass(((i * 577) % 5) * 400);
    await world.crash(i);
  }
  await world.pass(30_000);
  await expectRowsOfEverything(world);
  await world.stop();
});

/** Two series every 10 s: of one the clock says when, of the other a client whose clock is right. */
async function steady(world: RowsWorld, minutes: number): Promise<void> {
  for (let i = 0; i < minutes * 6; i++) {
    await world.pass(10_000);
    const values = [sample('m0|h0', world.clock.nowMs(), i % 11), sample('m1|h1', world.clock.sim.nowMs(), i % 13)];
    await world.feed('default', values);
  }
}

test.each([
  { ahead: 'a day', aheadMs: DAY_MS, reached: false },
  { ahead: 'three hours, which come later', aheadMs: 3 * HOUR_MS, reached: true },
])(
  'a clock that jumps ahead by $ahead and is set right leaves right rows, and rows go on within minutes',
  async ({ aheadMs, reached }) => {
    const world = new RowsWorld(START_MS);
    await world.start();
    await steady(world, 7);
    world.clock.set(aheadMs);
    await steady(world, 4);
    world.clock.set(0);
    await steady(world, 5);
    const minute = Math.floor((world.clock.nowMs() - 60_000) / 60_000) * 60_000;
    expect([...(await world.rows('1m')).keys()]).toContain(`default|m0|h0|${minute}`);
    const aheadEndMs = START_MS + aheadMs + 20 * 60_000;
    await world.settle(reached ? aheadEndMs - 15 * 60_000 - world.clock.nowMs() : 2 * HOUR_MS, 10 * 60_000);
    if (reached) {
      // The time that the clock had seen before is here.
      await steady(world, 10);
      await world.settle(2 * HOUR_MS, 10 * 60_000);
    }
    await expectRowsOfEverything(world);
    await world.stop();
  },
);

test('a clock that is wrong again and again, ahead and behind, with a crash each time, leaves right rows', async () => {
  const world = new RowsWorld(START_MS);
  await world.start();
  await steady(world, 7);
  // Each time for longer than a minute, so that the rollup follows it; every other time it is right in between.
  const offMs = [DAY_MS, 0, -3 * HOUR_MS, 0, 3 * HOUR_MS, -20 * 60_000, DAY_MS, 20 * 60_000, 0];
  let turnedBack = 0;
  for (const [i, off] of offMs.entries()) {
    world.clock.set(off);
    await steady(world, 2);
    turnedBack += world.metric('tidemark_rollup_clock_turned_back_total');
    await world.crash(i);
    await steady(world, 1);
  }
  // The steps down in the list.
  expect(turnedBack).toBe(5);
  await world.settle(5 * HOUR_MS, 10 * 60_000);
  await expectRowsOfEverything(world);
  await world.stop();
});

/** As ingest decides: by metric and by the hour that a sample is in. */
function movesAt(changesMs: readonly number[], metric: string): RowsWorld['sourceOf'] {
  return ({ series, timestampMs }) => {
    const hourEndMs = Math.ceil(timestampMs / HOUR_MS) * HOUR_MS;
    const changes = changesMs.filter((atMs) => atMs < hourEndMs).length;
    return series.startsWith(`${metric}|`) === (changes % 2 === 0) ? 'raw-critical' : 'raw';
  };
}

async function anyStep(world: RowsWorld, random: Random, sent: OracleSample[][]): Promise<void> {
  const chance = random.next();
  await world.pass(chance < 0.04 ? random.below(1_500_000) : random.below(30_000));
  const nowMs = world.clock.nowMs();
  const host = random.below(3);
  const samples: OracleSample[] = [];
  const backMs = random.next() < 0.15 ? random.below(6 * HOUR_MS) : random.next() < 0.2 ? random.below(600_000) : 0;
  for (let i = random.below(12); i >= 0; i--) {
    // Coarse times, so that repeats, conflicts and edges of windows happen.
    const timestampMs = Math.floor((nowMs - backMs - random.below(20_000)) / 5_000) * 5_000;
    const value = random.next() < 0.1 ? random.next() : Math.floor(timestampMs / 5_000) % 97;
    const stale = random.next() < 0.03;
    samples.push({
      series: `m${random.below(2)}|h${host}`,
      timestampMs,
      bits: stale ? 0x7ff0_0000_0000_0002n : bitsOf(value),
    });
  }
  sent.push(samples);
  await world.feed(host === 0 ? 'acme' : 'default', samples);
  if (random.next() > 0.05) return;
  // A client that saw no answer, or another one with the same. What lies too far ahead is not let in.
  const again = sent[random.below(sent.length)] as OracleSample[];
  const admitted = again.filter(({ timestampMs }) => timestampMs <= world.clock.nowMs() + 600_000);
  await world.feed(host === 0 ? 'acme' : 'default', admitted);
}

test('any run of late, repeated, conflicting and old samples, steps of the clock and crashes ends in right rows', () =>
  withSeed('rows', async (random, seed) => {
    for (let round = 0; round < rounds(2); round++) {
      const world = new RowsWorld(START_MS);
      await world.start();
      const sent: OracleSample[][] = [];
      const stepsClock = random.next() < 0.5;
      for (let step = 0; step < 120; step++) {
        await anyStep(world, random, sent);
        if (random.next() < 0.02) await world.crash(seed ^ step, random.next() < 0.3);
        if (!stepsClock || random.next() > 0.03) continue;
        world.clock.set(CLOCK_OFF_MS[random.below(CLOCK_OFF_MS.length)] as number);
      }
      world.clock.set(0);
      // Until the hours are over that a clock three hours ahead had seen.
      await world.settle(5 * HOUR_MS, 10 * 60_000);
      await expectRowsOfEverything(world);
      await world.stop();
    }
  }));

test('raw that is half an hour behind critical samples loses nothing of it, and the latter have their rows meanwhile', async () => {
  const world = new RowsWorld(START_MS);
  await world.start();
  world.sourceOf = movesAt([], 'm0');
  await steady(world, 7);
  world.holdRaw(true);
  await steady(world, 30);
  const minute = Math.floor((world.clock.nowMs() - 60_000) / 60_000) * 60_000;
  const rows = await world.rows('1m');
  expect([...rows.keys()]).toContain(`default|m0|h0|${minute}`);
  expect([...rows.keys()]).not.toContain(`default|m1|h1|${minute}`);
  world.holdRaw(false);
  await world.arrive();
  await steady(world, 1);
  // In time, as the clock of their own topic says: nothing had to be made anew.
  expect(world.metric('tidemark_rollup_repairs_asked_total')).toBe(0);
  await world.settle(2 * HOUR_MS, 10 * 60_000);
  await expectRowsOfEverything(world);
  await world.stop();
});

test('rows are those of all samples, whichever topic they came by, however far one lagged, with metrics that moved and crashes', () =>
  withSeed('rows-critical', async (random, seed) => {
    for (let round = 0; round < rounds(2); round++) {
      const world = new RowsWorld(START_MS);
      await world.start();
      const firstHourMs = Math.ceil(START_MS / HOUR_MS) * HOUR_MS;
      world.sourceOf = movesAt([firstHourMs, firstHourMs + HOUR_MS], `m${random.below(2)}`);
      const sent: OracleSample[][] = [];
      for (let step = 0; step < 150; step++) {
        await anyStep(world, random, sent);
        if (random.next() < 0.1) world.holdRaw(random.next() < 0.5);
        if (random.next() < 0.02) await world.crash(seed ^ step, random.next() < 0.3);
      }
      world.holdRaw(false);
      await world.arrive();
      await world.settle(5 * HOUR_MS, 10 * 60_000);
      await expectRowsOfEverything(world);
      await world.stop();
    }
  }));
