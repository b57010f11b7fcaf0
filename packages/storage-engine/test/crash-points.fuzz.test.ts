import { timeLimit } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { Story } from './crash-points/story.ts';

// An engine over one simulated disk, its LevelDBs too, dies before every call that changes something: killed, or without power, what was not
// synced whole, torn or gone. What it is started on answers what was told, neither less nor more, and wants nothing that it had let the
// log let go.
//
// A seed is a story; so a range of seeds can be gone on with: FROM=1000 TO=2000, or `npm run fuzz -- crash-points --from 1000 --to 2000`.
// Without a range it plays as many as give 20,000 deaths.

const STEPS = 14;
// Files that are not there are asked for at every start, and nobody reads where.
Error.stackTraceLimit = 3;
const POINTS = 20_000;
const FROM = Number(process.env['FROM'] ?? process.env['SEED'] ?? 1);
const TO =
  process.env['TO'] ?? (process.env['ROUNDS'] === undefined ? undefined : String(FROM + Number(process.env['ROUNDS'])));

test(
  `dead before any call, it comes back as it was told (from seed ${FROM})`,
  async () => {
    let points = 0;
    let calls = 0;
    let seed = FROM;
    let saidMs = performance.now();
    for (; TO === undefined ? points < POINTS : seed < Number(TO); seed++) {
      try {
        const played = await new Story(seed).play(STEPS);
        points += played.points;
        calls += played.calls;
      } catch (error) {
        if (error instanceof Error)
          error.message += `\nreplay: FROM=${seed} TO=${seed + 1} npx vitest run packages/storage-engine/test/crash-points.fuzz.test.ts`;
        throw error;
      }
      // Where to go on from, should it be stopped.
      if (TO !== undefined && performance.now() - saidMs > 60_000) {
        saidMs = performance.now();
        process.stdout.write(`crash-points: ${points} deaths at ${calls} calls; go on with --from ${seed + 1}\n`);
      }
    }
    process.stdout.write(`crash-points: ${points} deaths at ${calls} calls, seeds ${FROM} to ${seed - 1}\n`);
    expect(points).toBeGreaterThan(TO === undefined ? POINTS - 1 : 0);
  },
  timeLimit(900_000),
);
