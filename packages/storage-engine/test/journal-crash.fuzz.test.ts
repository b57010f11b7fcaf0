import { timeLimit } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { JournalStory } from './journal/story.ts';

// A journaled engine dies before every call that changes something on its disk: killed, or without power, what was not synced whole, torn
// or gone. What it is opened on answers a beginning of what it was told, with all that was acknowledged.
//
// A seed is a story; `npm run fuzz -- journal-crash --from 1000 --to 2000` plays a range of them.

const STEPS = 14;
// Files that are not there are asked for at every start, and nobody reads where.
Error.stackTraceLimit = 3;
const FROM = Number(process.env['FROM'] ?? process.env['SEED'] ?? 1);
const TO = Number(process.env['TO'] ?? FROM + Number(process.env['ROUNDS'] ?? 2));

test(
  `dead before any call, a journal has what it acknowledged, once (from seed ${FROM})`,
  async () => {
    let points = 0;
    let calls = 0;
    for (let seed = FROM; seed < TO; seed++) {
      try {
        const played = await new JournalStory(seed).play(STEPS);
        points += played.points;
        calls += played.calls;
      } catch (error) {
        if (error instanceof Error)
          error.message += `\nreplay: FROM=${seed} TO=${seed + 1} npx vitest run packages/storage-engine/test/journal-crash.fuzz.test.ts`;
        throw error;
      }
    }
    process.stdout.write(`journal-crash: ${points} deaths at ${calls} calls, seeds ${FROM} to ${TO - 1}\n`);
    expect(points).toBeGreaterThan(100 * (TO - FROM));
  },
  timeLimit(900_000),
);
