import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Random, seededRandom, systemRandom } from '@tidemark/base';

// Chance in tests comes from a seed, and a test that fails says which.
//
//   test('any chunk survives the round trip', () =>
//     withSeed('chunk', (random) => {
//       for (let round = 0; round < rounds(200); round++) expectRoundTrip(anyChunk(random));
//     }));
//
// SEED in the environment replays one run, ROUNDS makes it longer or shorter; `npm run fuzz -- <name>` sets both. RUN_SEED is
// what `npm test` draws for a run of everything; tests that always play the same seed heed SEED alone.

/** The seed of this run: SEED from the environment, else RUN_SEED, else a fresh one. Throws when that is no whole number. */
export function chooseSeed(): number {
  return wholeNumber('SEED') ?? wholeNumber('RUN_SEED') ?? systemRandom.below(2 ** 32);
}

/** How many rounds a random test plays: ROUNDS from the environment, else what it asks for. */
export function rounds(normally: number): number {
  return wholeNumber('ROUNDS') ?? normally;
}

/** A test's time limit, ms: none (0) where somebody said how long it is to play, by ROUNDS or up to which seed, TO. */
export function timeLimit(ms: number): number {
  return process.env['ROUNDS'] || process.env['TO'] ? 0 : ms;
}

/**
 * Plays `play` with randomness from this run's seed. When it throws, the error's message gains the seed and the one
 * line that replays it. Two calls in one file draw different numbers from one SEED, because `name` goes into the seed.
 */
export async function withSeed(
  name: string,
  play: (random: Random, seed: number) => void | Promise<void>,
): Promise<void> {
  const seed = chooseSeed();
  const file = callerFile(new Error('only for its stack'));
  try {
    await play(seededRandom(seed ^ hashOfName(name)), seed);
  } catch (cause) {
    const howTo = `\n\n${name} failed with seed ${seed}. To replay it:\n  ${replayCommand(seed, file)}\n`;
    if (!(cause instanceof Error)) throw new Error(`${String(cause)}${howTo}`, { cause });
    cause.message += howTo;
    throw cause;
  }
}

/** The line that plays the same run again. */
export function replayCommand(seed: number, file: string): string {
  const roundsSet = process.env['ROUNDS'];
  return `SEED=${seed}${roundsSet ? ` ROUNDS=${roundsSet}` : ''} npx vitest run ${file}`;
}

function wholeNumber(variable: string): number | undefined {
  const text = process.env[variable];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${variable}=${text} is no whole number`);
  return value;
}

/** FNV-1a, 32 bits: enough to keep names apart. */
function hashOfName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash;
}

/** The first file on the stack that is not this one. */
function callerFile(here: Error): string {
  for (const line of (here.stack ?? '').split('\n').slice(1)) {
    const found = /(file:\/\/[^\s)]+?|\/[^\s()]+?):\d+:\d+\)?$/.exec(line)?.[1];
    if (found === undefined || /\/seed\.[tj]s$/.test(found)) continue;
    return relative(process.cwd(), found.startsWith('file:') ? fileURLToPath(found) : found);
  }
  return '<the test file>';
}
