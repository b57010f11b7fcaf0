import { SimClock } from '@tidemark/base';
import { expect, test } from 'vitest';
import { Precedence } from './precedence.ts';

const OPTIONS = { turnsMax: 3, patienceMs: 200 };

function world() {
  const clock = new SimClock(0);
  const precedence = new Precedence(clock, OPTIONS);
  const stop = new AbortController();
  /** Whether the rest has its turn, once everybody had a moment. */
  const asks = async () => {
    let has = false;
    const turn = precedence.turn(stop.signal).then(() => {
      has = true;
    });
    turn.catch(() => undefined);
    await clock.advance(0);
    return { has: () => has, turn };
  };
  return { clock, precedence, asks, stop };
}

test('the rest waits while critical records wait, and no longer', async () => {
  const { clock, precedence, asks } = world();
  const rest = await asks();
  expect(rest.has()).toBe(false);
  precedence.taken();
  await clock.advance(0);
  expect(rest.has()).toBe(false);
  precedence.nothingLeft();
  await rest.turn;
  expect((await asks()).has()).toBe(true);
});

test('after so many critical turns the rest has one, and then waits again', async () => {
  const { clock, precedence, asks } = world();
  const rest = await asks();
  for (let i = 0; i < OPTIONS.turnsMax; i++) {
    expect(rest.has()).toBe(false);
    precedence.taken();
    await clock.advance(0);
  }
  await rest.turn;
  expect((await asks()).has()).toBe(false);
});

test('critical records that cannot be had hold the rest up for a moment only', async () => {
  const { clock, asks } = world();
  const rest = await asks();
  await clock.advance(OPTIONS.patienceMs - 1);
  expect(rest.has()).toBe(false);
  await clock.advance(1);
  await rest.turn;
});

test('told to stop, it waits no longer', async () => {
  const { asks, stop } = world();
  const rest = await asks();
  stop.abort(new Error('stop'));
  await expect(rest.turn).rejects.toThrow('stop');
});
