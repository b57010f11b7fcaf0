import { expect, test } from 'vitest';
import { BUGS } from './bugs.ts';
import { play } from './play.ts';

// Some of the quickest bugs, really played: planted they are caught, and what is played right after has none of them.

const SOME = ['sign-of-zero-dropped', 'range-takes-its-end', 'prefix-taken-for-a-match'];

test.each(SOME)(
  '%s is caught, and stays in no cache',
  async (name) => {
    const bug = BUGS.find((each) => each.name === name);
    for (const each of bug?.caughtBy ?? []) {
      expect(await play(each, name)).toMatchObject({ verdict: 'caught', failure: expect.any(String) });
      expect(await play(each)).toMatchObject({ verdict: 'passed', failure: undefined });
    }
    expect(bug?.caughtBy.length).toBeGreaterThan(0);
  },
  180_000,
);

test('a test that does not see a bug passes with it; a bug of another name is no run at all', async () => {
  const test = { test: 'packages/storage-engine/src/tiering/manifest.test.ts' };
  expect(await play(test, 'sign-of-zero-dropped')).toMatchObject({ verdict: 'passed' });
  const broken = await play(test, 'no-such-bug');
  expect(broken.verdict).toBe('broken');
  expect(broken.output).toContain('there is no planted bug "no-such-bug"');
}, 180_000);
