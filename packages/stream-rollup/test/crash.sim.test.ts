import { seededRandom } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { linesOf, makeBatches, type OracleBatch, oracle } from '@tidemark/testkit/rows';
import { expect, test } from 'vitest';
import { KillSwitch, RULES, World } from './world.ts';

// Whatever moment the process dies at, and whatever becomes of its files, the newest revision of every row is the
// oracle's, and no revision ever says two things (NewestRows checks that).

// Four minutes before an hour's end, so that every run passes one.
const START_MS = 1_700_006_400_000 - 240_000;
const EMIT_DELAY_MS = 5_000;

function load(seed: number, batches: number): OracleBatch[] {
  const made = makeBatches(seededRandom(seed), { batches, hosts: 3, seriesPerHost: 2, startMs: START_MS });
  const lastMs = Math.max(...made.map(({ admittedAtMs }) => admittedAtMs));
  // Nothing in it: it moves the clock until every window is closed.
  return [...made, { tenant: 'default', admittedAtMs: lastMs + 1_300_000, samples: [] }];
}

async function finish(world: World, batches: readonly OracleBatch[]): Promise<void> {
  await world.clock.advance(2_000);
  await world.stop();
  await world.collect();
  const { rows, hours } = oracle(batches, RULES);
  expect(linesOf(world.rows.answer())).toEqual(linesOf(rows));
  // The hour under way has no row yet.
  const overMs = Math.max(...batches.map(({ admittedAtMs }) => admittedAtMs)) - EMIT_DELAY_MS;
  const over = [...hours].filter(([key]) => Number(key.split('|').at(-1)) <= overMs);
  expect(linesOf(world.hours.answer())).toEqual(linesOf(new Map(over)));
}

/** Returns how many calls changed the world before the end. */
async function runWithDeath(batches: readonly OracleBatch[], kill: KillSwitch, seed: number): Promise<number> {
  const world = new World(START_MS);
  await world.start(kill);
  let alive = true;
  for (const batch of batches) {
    await world.feed(batch);
    if (!alive || !kill.tripped) continue;
    alive = false;
    const keep = (['torn', 'synced', 'written'] as const)[seed % 3] as 'torn';
    await world.crash({ seed, keep });
    await world.start();
  }
  const { calls } = kill;
  await finish(world, batches);
  return calls;
}

test('death before or after any call that changes log or disk', { timeout: 240_000 }, async () => {
  const batches = load(7, 20);
  const calls = await runWithDeath(batches, new KillSwitch(), 0);
  expect(calls).toBeGreaterThan(60);
  for (let at = 1; at <= calls; at++) {
    for (const when of ['before', 'after'] as const) {
      await runWithDeath(batches, new KillSwitch(at, when), at).catch((cause: unknown) => {
        throw new Error(`death ${when} call ${at}`, { cause });
      });
    }
  }
});

test('several deaths in one life, at random', () =>
  withSeed('rollup-crashes', async (random, seed) => {
    for (let round = 0; round < rounds(15); round++) {
      const batches = load(random.below(2 ** 31), 60);
      const world = new World(START_MS);
      await world.start(new KillSwitch(1 + random.below(60), random.next() < 0.5 ? 'before' : 'after'));
      for (const batch of batches) {
        await world.feed(batch);
        await world.collect();
        if (random.next() < 0.1) world.log.redeliver(random.below(5));
        if (random.next() < 0.2) world.log.retain();
        if (!world.kill.tripped) continue;
        await world.crash({ seed: seed ^ round, keep: 'torn' });
        await world.start(new KillSwitch(1 + random.below(120), 'after'));
      }
      await world.crash({ seed, keep: 'torn' });
      await world.start();
      await finish(world, batches);
    }
  }));

const damages: readonly { readonly what: string; readonly damage: (world: World, round: number) => Promise<void> }[] = [
  { what: 'the whole folder is gone', damage: (world) => world.disk.removeFolder('rollup') },
  { what: 'the manifest is gone', damage: (world) => world.disk.remove('rollup/0_0/checkpoint') },
  {
    what: 'a window file is gone',
    damage: async (world) => {
      const folder = 'rollup/0_0/open-windows';
      const name = (await world.disk.list(folder)).find((each) => each.startsWith('window-'));
      expect(name).toBeDefined();
      await world.disk.remove(`${folder}/${name}`);
    },
  },
  {
    what: 'a bit flips somewhere',
    damage: async (world, round) => {
      const folder = 'rollup/0_0/open-windows';
      const names = (await world.disk.list(folder)).map((name) => `${folder}/${name}`);
      const path = ['rollup/0_0/checkpoint', ...names][round % (names.length + 1)] as string;
      const size = await world.disk.size(path);
      world.disk.flipBit(path, (round * 7919) % size, round % 8);
    },
  },
];

test.each(damages)('$what: the log still has what rebuilds the open windows', async ({ damage }) => {
  for (let round = 0; round < 12; round++) {
    const batches = load(1_000 + round, 50);
    const world = new World(START_MS);
    await world.start();
    const half = 15 + round * 2;
    for (const batch of batches.slice(0, half)) await world.feed(batch);
    await world.stop();
    await world.collect();
    world.log.retain();
    await damage(world, round);
    await world.start();
    await world.clock.advance(10);
    expect(world.metric('tidemark_rollup_state_rebuilds_total')).toBe(1);
    for (const batch of batches.slice(half)) await world.feed(batch);
    await finish(world, batches);
  }
});

test('the log is asked to keep what a rebuild needs and no more', async () => {
  const world = new World(START_MS);
  await world.start();
  const batches = steady(900);
  const behind: number[] = [];
  for (const [i, batch] of batches.entries()) {
    await world.feed(batch);
    if (i < 450) continue;
    const [committed] = await world.log.committed('rollup', [{ topic: 'tidemark.raw', partition: 0 }]);
    behind.push((i - (committed?.offset ?? 0)) * 10_000);
  }
  // From the start of the oldest open hour, as far back as a sample may be ahead; a mark and a checkpoint more.
  expect(Math.min(...behind)).toBeGreaterThanOrEqual(RULES.graceMs + RULES.futureMs - 10_000);
  expect(Math.min(...behind)).toBeLessThanOrEqual(RULES.graceMs + RULES.futureMs + 140_000);
  expect(Math.max(...behind)).toBeLessThanOrEqual(RULES.graceMs + RULES.futureMs + 3_600_000 + 140_000);
  await world.stop();
});

function steady(count: number): OracleBatch[] {
  return Array.from({ length: count }, (_, i) => {
    const admittedAtMs = START_MS + i * 10_000;
    const samples = [{ series: 'm0|h0', timestampMs: admittedAtMs, bits: 0x4000_0000_0000_0000n + BigInt(i) }];
    return { tenant: 'default', admittedAtMs, samples };
  });
}

test('what is held back is sent before a checkpoint', async () => {
  const world = new World(START_MS);
  await world.start();
  const batches = steady(13);
  for (const batch of batches) await world.feed(batch);
  // The window before the last was sent a moment ago; a late point for it waits for the next turn.
  const lastMs = START_MS + 120_000;
  const samples = [{ series: 'm0|h0', timestampMs: START_MS + 61_000, bits: 0x4000_0000_0000_0000n }];
  const late = { tenant: 'default', admittedAtMs: lastMs, samples };
  batches.push(late);
  await world.feed(late);
  await world.stop();
  await world.collect();
  await world.start();
  const end = { tenant: 'default', admittedAtMs: lastMs + 1_300_000, samples: [] };
  await world.feed(end);
  await finish(world, [...batches, end]);
});

test('without files and with a log cut short, no row is wrong: what is not known whole is left out', async () => {
  for (let cut = 61; cut < 72; cut++) {
    const world = new World(START_MS);
    await world.start();
    const batches = steady(240);
    for (const batch of batches.slice(0, 90)) await world.feed(batch);
    await world.stop();
    await world.collect();
    const before = world.rows.answer().size;
    await world.disk.removeFolder('rollup');
    world.log.cutOff({ topic: 'tidemark.raw', partition: 0 }, cut);
    await world.start();
    for (const batch of batches.slice(90)) await world.feed(batch);
    await world.stop();
    await world.collect();
    expect(world.metric('tidemark_rollup_dropped_points_total{reason="window_incomplete"}')).toBeGreaterThan(0);
    const expected = oracle(batches, RULES).rows;
    const found = world.rows.answer();
    const isWhole = (endMs: number) => endMs <= START_MS + 2_390_000 - 60_000;
    for (const [key, row] of found) {
      if (isWhole(Number(key.split('|').at(-1)))) expect(`${key}: ${row}`).toBe(`${key}: ${expected.get(key)}`);
    }
    expect(found.size).toBeGreaterThan(before + 8);
  }
});
