import { seededRandom } from '@tidemark/base';
import type { RetentionRule } from '@tidemark/model';
import { expect, test } from 'vitest';
import { DAY, HOUR, KeptWorld, type Point } from './kept-world.ts';

// Retention with rules against the plainest saying of it: whatever is sealed, compacted, removed, crashed and changed meanwhile, a
// point is answered as long as it is kept, and not an instant longer.
//
// Replay: SEED=<seed> ROUNDS=<steps> npx vitest run retention-rules.sim

const SEED = Number(process.env['SEED'] ?? 20261129);
const STEPS = Number(process.env['ROUNDS'] ?? 150);
const TENANTS = ['default', 'other', 'third'];
const METRICS = ['up', 'debug_a', 'debug_b', 'slo_a', 'a_total'];
const PATTERNS = [undefined, 'debug_.*', 'slo_.*|up', '.*_total', 'a_total'];

test(`what is kept is answered, and nothing else (seed ${SEED}, ${STEPS} steps)`, async () => {
  const random = seededRandom(SEED);
  const chance = (share: number) => random.next() < share;
  const days = (most: number) => (1 + random.below(most)) * DAY;
  const makeRules = (): RetentionRule[] =>
    Array.from({ length: random.below(5) }, () => ({
      ...(chance(0.5) && { tenant: TENANTS[random.below(3)] as string }),
      metric: PATTERNS[random.below(PATTERNS.length)],
      keepMs: { ...(chance(0.8) && { raw: days(12) }), ...(chance(0.5) && { '1m': days(30) }) },
    }));
  const makeDefaults = () => ({ raw: days(6), '1m': days(20), '1h': 400 * DAY });
  const options = {
    retentionMs: makeDefaults(),
    retentionRules: makeRules(),
    segmentBytesMax: 1500,
    compactBytesMax: 1500,
    compactSourcesMax: 6,
    openWindowsMax: 3,
  };
  const it = new KeptWorld(options, SEED ^ 0x5eed);
  const { world } = it;
  const points = (step: number): Point[] =>
    Array.from({ length: 1 + random.below(40) }, () => ({
      tenant: TENANTS[random.below(3)] as string,
      metric: METRICS[random.below(METRICS.length)] as string,
      // Late ones too, but none that nobody keeps: whether that is refused is another matter.
      atMs: world.clock.nowMs() - random.below(chance(0.1) ? 20 * HOUR : HOUR),
      value: step + random.next(),
    }));
  const onTheMinute = (list: readonly Point[]) =>
    list.map((point) => ({ ...point, atMs: Math.floor(point.atMs / 60_000) * 60_000 }));
  await world.open();
  let jobs = 0;
  let expired = 0;
  let changes = 0;
  let step = 0;
  const seal = async () => {
    expired += (await world.engine.seal()).expired;
  };
  try {
    for (; step < STEPS; step++) {
      const what = random.below(100);
      if (what < 40) {
        it.say('raw', points(step));
        // Rows of one revision: the same time again would have to be the same row.
        it.say('1m', dropKnown(it, onTheMinute(points(step))));
      } else if (what < 60) await world.clock.advance(random.below(chance(0.4) ? 2 * DAY : 3 * HOUR));
      else if (what < 70) {
        await world.engine.checkpoint();
        await seal();
      } else if (what < 80) jobs += (await world.engine.compact()).jobs;
      else if (what < 84) {
        it.change(makeDefaults(), makeRules());
        changes++;
        // What was kept for a shorter time before may be gone: from here on there is only what comes.
        await world.clock.advance(40 * DAY);
        await world.engine.checkpoint();
        await seal();
      } else if (what < 90) {
        world.crash(random.below(2 ** 31), (['torn', 'synced', 'written'] as const)[random.below(3)] ?? 'torn');
        await world.open();
        it.catchUp();
      } else {
        await seal();
        await it.check(TENANTS, METRICS);
      }
    }
    await seal();
    await it.check(TENANTS, METRICS);
    expect(jobs, 'something was compacted').toBeGreaterThan(0);
    expect(expired, 'something was removed').toBeGreaterThan(0);
    expect(changes, 'rules changed').toBeGreaterThan(0);
  } catch (error) {
    if (error instanceof Error)
      error.message += `\nstep ${step}; replay: SEED=${SEED} ROUNDS=${STEPS} npx vitest run retention-rules.sim`;
    throw error;
  }
}, 120_000);

function dropKnown(it: KeptWorld, points: readonly Point[]): Point[] {
  const keyOf = ({ tenant, metric, atMs }: Point) => `${tenant} ${metric} ${atMs}`;
  const known = new Set(it.log['1m'].flat().map(keyOf));
  return points.filter((point) => !known.has(keyOf(point)) && known.add(keyOf(point)));
}
