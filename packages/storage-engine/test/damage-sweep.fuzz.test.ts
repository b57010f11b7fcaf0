import { rounds, timeLimit, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { type Thing, thingsOf } from './damage-sweep/harm.ts';
import { smallestStore } from './damage-sweep/store.ts';
import { Sweep } from './damage-sweep/sweep.ts';

// The smallest store that has a file of every kind, each with all its parts; of each file every truncation, every flipped bit, and its
// absence, each in a fresh copy:
//
//   the engine opens ─ reads the log on ─ takes more, of a new partition too ─ answers          all that was told; or some, and says so
//   checkpoint ─ hours later more ─ seal ─ compact ─ power gone ─ the same again
//
// Each with a log that has let go what it may, and with one that has everything. A case is a number; so a range of them can be gone on
// with: `npm run fuzz -- damage-sweep --from 0 --to 100000`. Without one, some of each kind are drawn.

const KINDS = [
  ...['checkpoint', 'database', 'exemplars', 'exemplars copy', 'manifest', 'manifest and its copy', 'manifest copy'],
  ...['metadata', 'metadata copy', 'segment', 'series', 'tombstones', 'tombstones copy', 'value'],
];
/** Of each kind. */
const DRAWN = 12;
const FROM = process.env['FROM'];
const TO = process.env['TO'];
// Files that are not there are asked for at every start, and nobody reads where.
Error.stackTraceLimit = 5;

async function wholeSweep(): Promise<Sweep> {
  const whole = await smallestStore();
  return new Sweep(whole, await thingsOf(whole));
}

const say = (text: string) => process.stdout.write(`damage-sweep: ${text}\n`);

/** Some of each kind, drawn. */
async function playSome(): Promise<void> {
  await withSeed('damage-sweep', async (random) => {
    const sweep = await wholeSweep();
    const kinds = Map.groupBy(sweep.things.keys(), (at) => (sweep.things[at] as Thing).kind);
    expect([...kinds.keys()].sort()).toEqual(KINDS);
    for (const things of kinds.values()) {
      for (let round = 0; round < rounds(DRAWN); round++) {
        await sweep.play(sweep.draw(things[random.below(things.length)] as number, random));
      }
    }
    say(`some of ${sweep.count} cases\n  ${sweep.told()}`);
  });
}

/** Every case of a range. */
async function playAll(from: number, to: number): Promise<void> {
  const sweep = await wholeSweep();
  const end = Math.min(to, sweep.count);
  expect(end).toBeGreaterThan(from);
  let saidMs = performance.now();
  for (let at = from; at < end; at++) {
    await sweep.play(at);
    // Where to go on from, should it be stopped.
    if (performance.now() - saidMs < 60_000) continue;
    saidMs = performance.now();
    say(`go on with --from ${at + 1}, of ${sweep.count}`);
  }
  say(`${from} to ${end}, of ${sweep.count} cases\n  ${sweep.told()}`);
}

const what = FROM === undefined ? 'some of each kind' : `all from ${FROM} to ${TO}`;
test(
  `whatever is harmed, it is mended, or said: ${what}`,
  async () => {
    if (FROM === undefined) await playSome();
    else await playAll(Number(FROM), Number(TO));
  },
  timeLimit(7_200_000),
);
