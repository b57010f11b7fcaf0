import { type Random, SelfMetrics, SimClock, seededRandom } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { timeLimit } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { SimObjectStore } from '../src/sim.ts';
import { answered, beginningOf, type Machine, openOn, tell } from './journal/story.ts';
import { expected, type Told } from './oracle/told.ts';
import { difference } from './points.ts';
import { START_MS } from './world.ts';

// The smallest journal that has all its parts: two files, records of every kind, a mark. Every single bit of it flipped, and cut at every
// byte: what is answered is right, or what is missing is said, in every answer, over restarts.

const SEED = Number(process.env['SEED'] ?? 1);
// All of them by command: `npm run fuzz -- journal-damage --rounds 1`.
const ALL = process.env['ROUNDS'] !== undefined;
const STEP = ALL ? 1 : 23;
Error.stackTraceLimit = 3;

async function lived(random: Random): Promise<{ machine: Machine; told: Told[] }> {
  const disk = new SimDisk();
  const machine = { disk, objects: new SimObjectStore(random), clock: new SimClock(START_MS) };
  const engine = await openOn(machine, SEED);
  const told: Told[] = [];
  for (let i = 0; i < 7; i++) {
    const host = `h${i % 2}`;
    told.push(
      i === 3
        ? { kind: 'delete', host: 'h0', startMs: 0, endMs: START_MS }
        : { kind: 'points', points: [{ host, timeMs: START_MS + i * 1000, value: i }] },
    );
    await tell(engine, told.at(-1) as Told);
  }
  // A mark.
  await machine.clock.advance(10_000);
  return { machine: { ...machine, disk: disk.crash({ seed: SEED, keep: 'synced' }) }, told };
}

/** Warnings of answers, and points. */
async function look(machine: Machine) {
  const metrics = new SelfMetrics();
  const engine = await openOn(machine, SEED + 1, metrics);
  const { losses } = engine;
  const torn = Number(/_journal_torn_bytes_total (\d+)/.exec(metrics.expose())?.[1]);
  const failed = await answered(engine).then(
    (found) => ({ found, warned: false }),
    (error: Error) => ({ found: undefined, warned: error.message.includes('journal:') }),
  );
  return { ...failed, losses, torn };
}

function fork({ disk, objects, clock }: Machine): Machine {
  return {
    disk: disk.fork({ seed: 1, keep: 'written' }),
    objects: objects.fork(seededRandom(1)),
    clock: new SimClock(clock.nowMs()),
  };
}

test(
  'any bit of a journal that flips is no matter, or a loss that every answer names',
  async () => {
    const { machine, told } = await lived(seededRandom(SEED));
    const names = (await machine.disk.list('journal')).filter((name) => name !== 'lock');
    expect(names.length).toBe(2);
    let lost = 0;
    for (const name of names) {
      const path = `journal/${name}`;
      const bits = (await machine.disk.size(path)) * 8;
      for (let bit = SEED % STEP; bit < bits; bit += STEP) {
        const hurt = fork(machine);
        hurt.disk.flipBit(path, bit >> 3, bit & 7);
        const { found, warned, losses } = await look(hurt);
        const said = `${path}, bit ${bit}`;
        expect(warned, said).toBe(losses.length > 0);
        if (found !== undefined) expect(difference(found, expected(told)), said).toBeUndefined();
        else {
          lost++;
          // The next start has it from what was kept aside, and forgets it when somebody removed that.
          const next = { ...hurt, disk: hurt.disk.crash({ seed: bit, keep: 'synced' }) };
          expect((await look(next)).warned, said).toBe(true);
        }
      }
    }
    expect(lost).toBeGreaterThan(10);
  },
  timeLimit(600_000),
);

test(
  'cut at any byte, a file that others follow is missed; the last one ends earlier, which torn bytes say',
  async () => {
    const { machine, told } = await lived(seededRandom(SEED));
    const [before, last] = (await machine.disk.list('journal'))
      .filter((name) => name !== 'lock')
      .map((name) => `journal/${name}`) as [string, string];
    let shorter = 0;
    let silent = 0;
    for (const path of [before, last]) {
      const size = await machine.disk.size(path);
      for (let at = SEED % STEP; at < size; at += ALL ? 1 : 7) {
        const hurt = fork(machine);
        await (await hurt.disk.open(path)).truncate(at);
        const { found, warned, torn } = await look(hurt);
        if (path === before) expect(warned, `${path} cut at ${at}`).toBe(true);
        // Between two frames nothing says that there was more; at the end of the last, a mark is missing and no record.
        else if (found !== undefined) {
          const count = beginningOf(told, 0, found);
          if (count < told.length) shorter++;
          if (torn === 0) silent++;
        } else expect(warned).toBe(true);
      }
    }
    expect(shorter).toBeGreaterThan(5);
    expect(silent).toBeLessThan(shorter);
  },
  timeLimit(600_000),
);

test('what lies behind a damage is applied, and a warning goes when what is kept aside is removed', async () => {
  const { machine, told } = await lived(seededRandom(SEED));
  const [first] = (await machine.disk.list('journal')).filter((name) => name !== 'lock');
  machine.disk.flipBit(`journal/${first}`, 120, 0);
  const engine = await openOn(machine, 5);
  expect(engine.losses.length).toBe(1);
  const { from, to } = engine.losses[0] as { from: number; to: number };
  expect(to - from).toBe(1);
  await engine.checkpoint();
  await engine.checkpoint();
  await engine.close();
  const kept = (await machine.disk.list('quarantine')).filter((name) => name.startsWith('journal-'));
  expect(kept.length).toBe(1);
  expect((await look(fork(machine))).warned, 'though the file is gone').toBe(true);
  await machine.disk.remove(`quarantine/${kept[0]}`);
  const { found, losses } = await look(machine);
  expect(losses).toEqual([]);
  expect(difference(found as Map<string, number>, expected(told.filter((_, i) => i !== from)))).toBeUndefined();
});

test('damage of what checkpoints have is no loss', async () => {
  const { machine, told } = await lived(seededRandom(SEED));
  const engine = await openOn(machine, 5);
  // One checkpoint: what it has is in the journal still.
  await engine.checkpoint();
  await engine.close();
  const [first] = (await machine.disk.list('journal')).filter((name) => name !== 'lock');
  machine.disk.flipBit(`journal/${first}`, 120, 0);
  const { found, losses } = await look(machine);
  expect(losses).toEqual([]);
  expect(difference(found as Map<string, number>, expected(told))).toBeUndefined();
});
