import { SimClock } from '@tidemark/base';
import { describe, expect, test } from 'vitest';
import { CheckpointDue, type WaitingShard } from './checkpoint-due.ts';

const LIMITS = {
  checkpointEveryMs: 300_000,
  checkpointEntriesMin: 1000,
  checkpointEntriesPerSeries: 6,
  histogramBytesMax: 1000,
  outOfOrderMax: 100,
  pendingBytesMax: 10_000,
};

function world(...shards: WaitingShard[]) {
  const clock = new SimClock();
  const due = new CheckpointDue(clock, LIMITS);
  return { clock, due, isDue: () => due.isDue(shards) };
}

function shard(
  series: number,
  waiting: { outOfOrder?: number; histogramBytes?: number; pendingBytes?: number } = {},
): WaitingShard {
  const { outOfOrder = 0, histogramBytes = 0, pendingBytes = 0 } = waiting;
  return { registry: { count: series }, head: { outOfOrder: { count: outOfOrder, histogramBytes } }, pendingBytes };
}

describe('a checkpoint is due', () => {
  test('after five minutes, however little came', async () => {
    const { clock, isDue } = world(shard(1));
    await clock.advance(299_999);
    expect(isDue()).toBe(false);
    await clock.advance(1);
    expect(isDue()).toBe(true);
  });

  test('after so many entries', () => {
    const { due, isDue } = world(shard(10), shard(20));
    due.applied(999);
    expect(isDue()).toBe(false);
    due.applied(1);
    expect(isDue()).toBe(true);
  });

  test('of many series, after some entries of each', () => {
    const { due, isDue } = world(shard(100), shard(900));
    due.applied(5999);
    expect(isDue()).toBe(false);
    due.applied(1);
    expect(isDue()).toBe(true);
  });

  test('when a shard has half of what may wait', () => {
    expect(world(shard(1, { outOfOrder: 49 })).isDue()).toBe(false);
    expect(world(shard(1), shard(1, { outOfOrder: 50 })).isDue()).toBe(true);
    expect(world(shard(1, { pendingBytes: 4999 })).isDue()).toBe(false);
    expect(world(shard(1, { pendingBytes: 5000 })).isDue()).toBe(true);
  });
});

test('what came while a checkpoint was written counts for the next; one that failed changes nothing', async () => {
  const { clock, due, isDue } = world(shard(1));
  due.applied(1000);
  due.begin();
  expect(isDue(), 'it failed').toBe(true);
  const durable = due.begin();
  due.applied(600);
  await clock.advance(10_000);
  durable();
  expect(isDue()).toBe(false);
  due.applied(400);
  expect(isDue()).toBe(true);
  due.begin()();
  await clock.advance(299_999);
  expect(isDue(), 'the time counts from the end of a checkpoint').toBe(false);
});
