import type { Random } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { CONFIG, LOG_MS_MAX, Oracle } from './notifier-oracle.ts';
import { type Manner, NotifierWorld } from './notifier-world.ts';

// A random life of a notifier: alerts flap, silences come and go, receivers fail in every manner, the log is slow, processes are
// killed, closed and told to begin anew. From time to time everything is calm for a while; then nothing may have been lost,
// and all along nothing may have been told twice, too early, or though it was silenced.

const ALERTS = ['page', 'warn', 'info'].flatMap((severity) =>
  ['A', 'B'].flatMap((alertname) =>
    ['1', '2'].flatMap((instance) =>
      [{}, { team: 'a' }, { team: 'c' }].map((team) => ({ alertname, instance, severity, ...team })),
    ),
  ),
);
const RECEIVERS = ['ops', 'pager', 'team'];
const MANNERS: readonly Manner[] = ['ok', 'ok', 'error', 'lost', 'hang'];
// Nobody waits for a turn, so that the times of first attempts are those of decisions.
const SENDING_MAX = 1000;
const STEPS = 60;
const CALM_EVERY = 20;
// A pause of a minute between attempts, an attempt that hangs, the group interval.
const CALM_S = 180;

async function live(random: Random): Promise<void> {
  const world = await NotifierWorld.begin(CONFIG, SENDING_MAX);
  const oracle = new Oracle();
  const pick = <T>(list: readonly T[]) => list[random.below(list.length)] as T;
  const nowMs = () => world.clock.nowMs();
  const actions: readonly (readonly [weight: number, act: () => Promise<void>])[] = [
    [8, async () => fire(pick(ALERTS))],
    [6, async () => resolve(pick(ALERTS))],
    [2, async () => silence()],
    [2, async () => unsilence()],
    [4, async () => void world.manners.set(pick(RECEIVERS), pick(MANNERS))],
    [1, async () => slowLog()],
    [1, async () => crash()],
    [1, async () => restart()],
    [1, async () => reload()],
    [12, async () => world.pass(1 + random.below(40))],
  ];
  const deck = actions.flatMap(([weight, act]) => Array.from({ length: weight }, () => act));

  async function fire(labels: Readonly<Record<string, string>>): Promise<void> {
    await world.fire(labels);
    oracle.posted(labels, true, nowMs());
  }
  async function resolve(labels: Readonly<Record<string, string>>): Promise<void> {
    await world.resolve(labels);
    oracle.posted(labels, false, nowMs());
  }
  async function silence(): Promise<void> {
    const { alertname, instance } = pick(ALERTS);
    const matchers = pick<Readonly<Record<string, string>>>([{ alertname }, { instance }, { alertname, instance }]);
    const forMs = 1000 * (20 + random.below(400));
    const id = await world.silence(matchers, forMs);
    oracle.silenced(id, matchers, nowMs(), nowMs() + forMs);
  }
  async function unsilence(): Promise<void> {
    const active = oracle.activeSilences(nowMs());
    if (active.length === 0) return;
    const id = pick(active);
    await world.drive(world.notifier.silences.expire('default', id));
    oracle.unsilenced(id, nowMs());
  }
  async function slowLog(): Promise<void> {
    world.log.faults.appendDelayMs = pick([0, 0, 100, LOG_MS_MAX / 4]);
  }
  async function crash(): Promise<void> {
    // Somewhere between two ticks: what is on its way to the log may or may not arrive.
    await world.clock.advance(random.below(2 * LOG_MS_MAX));
    oracle.endsOfLives.push(nowMs());
    world.crash();
    await world.clock.advance(random.below(120_000));
    await world.start();
  }
  async function restart(): Promise<void> {
    oracle.endsOfLives.push(nowMs());
    await world.close();
    world.crash();
    await world.start();
  }
  async function reload(): Promise<void> {
    oracle.endsOfLives.push(nowMs());
    await world.reload();
    world.life++;
  }

  for (let step = 0; step < STEPS; step++) {
    await pick(deck)();
    if (step % CALM_EVERY !== CALM_EVERY - 1) continue;
    for (const receiver of RECEIVERS) world.manners.set(receiver, 'ok');
    await world.pass(CALM_S);
    expect(oracle.checkViews(world.attempts, nowMs())).toEqual([]);
  }
  expect(oracle.checkDoubles(world.attempts)).toEqual([]);
  expect(oracle.checkRepetitions(world.attempts)).toEqual([]);
  expect(oracle.checkTimes(world.attempts)).toEqual([]);
  expect(oracle.checkSuppression(world.attempts)).toEqual([]);
  expect(world.attempts.length).toBeGreaterThan(0);
}

test('a random life: nothing lost, nothing told twice, too early, or in spite of a silence', () =>
  withSeed('notifier', async (random) => {
    for (let round = 0; round < rounds(15); round++) await live(random);
  }));
