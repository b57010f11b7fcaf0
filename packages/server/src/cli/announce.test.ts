import { SimClock } from '@tidemark/base';
import { expect, test } from 'vitest';
import { announce } from './announce.ts';

function announcing(reason?: string) {
  const clock = new SimClock(0);
  const stop = new AbortController();
  const written: string[] = [];
  const process = { reason };
  const done = announce({
    notReady: () => process.reason,
    name: 'Tidemark 1',
    url: 'http://here',
    welcome: 'welcome',
    write: (text) => written.push(text.trim()),
    clock,
    signal: stop.signal,
  });
  return { clock, stop, written, process, done };
}

test('what is ready is welcomed at once', async () => {
  const { written, done } = announcing();
  await done;
  expect(written).toEqual(['welcome']);
});

test('what is not says what it waits for, again when a minute has passed, and is welcomed when it is', async () => {
  const { clock, written, process, done } = announcing('no store answers; no registry answers');
  await clock.advance(0);
  process.reason = 'no registry answers';
  await clock.advance(59_000);
  expect(written).toEqual([
    'Tidemark 1 listens at http://here and is not ready yet: no store answers; no registry answers',
  ]);
  await clock.advance(2_000);
  expect(written.slice(1)).toEqual(['Tidemark 1 listens at http://here and is not ready yet: no registry answers']);
  process.reason = undefined;
  await clock.advance(1_000);
  await done;
  expect(written.slice(2)).toEqual(['welcome']);
});

test('what is told to stop before is not welcomed', async () => {
  const { clock, stop, written, process, done } = announcing('no store answers');
  await clock.advance(0);
  stop.abort();
  process.reason = undefined;
  await clock.advance(10_000);
  await done;
  expect(written).toHaveLength(1);
});
