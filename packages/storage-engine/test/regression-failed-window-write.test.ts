import { isTidemarkError } from '@tidemark/base';
import { BatchBuilder, labelsOf } from '@tidemark/model';
import { describe, expect, test } from 'vitest';
import { answerOf, TornWorld } from './torn-world.ts';
import { START_MS } from './world.ts';

// A LevelDB whose write failed was written again as it was. On a full disk half a record stays in its log; what was appended behind it
// was acknowledged, and its recovery never saw it. After a sync that failed it refused every write until it was opened again, which
// nobody did: checkpoints failed for ever, the head filled up, and samples waited for a restart though the disk had room.

const LOG = 'shards/tidemark.raw/0/windows/raw_001699999200000_0000/log';
const TP = { topic: 'tidemark.raw', partition: 0 };

function batch(from: number, to: number) {
  const builder = new BatchBuilder('default');
  for (let i = from; i < to; i++) builder.addLabels(labelsOf({ __name__: 'up' }), START_MS + i * 1000, i);
  return builder.build(START_MS);
}

/** The window has `before` samples behind a checkpoint, and more waits. */
async function waiting(before: number): Promise<TornWorld> {
  const world = new TornWorld();
  await world.open();
  world.engine.applySamples({ ...TP, offset: 0, batch: batch(0, Math.max(1, before)) });
  // Twice: there are two series files then, and what a next checkpoint writes first is the window.
  await world.engine.checkpoint();
  await world.engine.checkpoint();
  world.engine.applySamples({ ...TP, offset: 1, batch: batch(before, before + 300) });
  // Nobody has the window open by now.
  await world.clock.advance(10 * 60_000);
  return world;
}

const halfAWrite = ({ disk }: TornWorld) => {
  disk.capacityBytes = disk.usedBytes + 40;
};

/** Blocks are written, what says where they lie is not. */
const theLastWrite = ({ disk }: TornWorld) => {
  let writes = 0;
  disk.beforeChange = async (call, path) => {
    if (call !== 'append' || path !== LOG || ++writes < 2) return;
    disk.beforeChange = undefined;
    disk.failNext('append', { path: LOG });
  };
};

const fulls: readonly [string, (world: TornWorld) => void][] = [
  ['half a write', halfAWrite],
  ['the last write', theLastWrite],
  ['a write', ({ disk }) => disk.failNext('append', { path: LOG })],
  ['a sync', ({ disk }) => disk.failNext('sync', { path: LOG })],
  ['opening its file', ({ disk }) => disk.failNext('open', { path: LOG })],
];

describe.each(fulls)('%s fails', (_, fail) => {
  test.each([0, 300])('over %i samples that were there', async (before) => {
    const world = await waiting(before);
    const { capacityBytes } = world.disk;
    fail(world);
    await expect(world.engine.checkpoint()).rejects.toSatisfy((error) => isTidemarkError(error));
    world.disk.capacityBytes = capacityBytes;
    expect((await answerOf(world.engine)).points.size).toBe(before + 300);
    await world.engine.checkpoint();
    // What is acknowledged now is there after a loss of power, and so is what comes behind it.
    world.engine.applySamples({ ...TP, offset: 2, batch: batch(before + 300, before + 600) });
    await world.engine.checkpoint();
    world.crash(1, 'synced');
    await world.open();
    const { points, warnings } = await answerOf(world.engine);
    expect([points.size, warnings]).toEqual([before + 600, []]);
  });
});

test('a full disk stops intake for as long as it is full', async () => {
  const world = new TornWorld();
  world.options = { pendingBytesMax: 4000 };
  await world.open();
  world.engine.applySamples({ ...TP, offset: 0, batch: batch(0, 300) });
  await world.engine.checkpoint();
  await world.engine.checkpoint();
  const { capacityBytes } = world.disk;
  let offset = 1;
  const fill = () => {
    for (; ; offset++) world.engine.applySamples({ ...TP, offset, batch: batch(offset * 300, offset * 300 + 300) });
  };
  expect(fill).toThrow('wait for a checkpoint');
  for (let attempt = 0; attempt < 5; attempt++) {
    world.disk.capacityBytes = world.disk.usedBytes + 10 * attempt;
    await expect(world.engine.checkpoint()).rejects.toThrow();
    expect(fill).toThrow('wait for a checkpoint');
  }
  world.disk.capacityBytes = capacityBytes;
  await world.engine.checkpoint();
  expect(world.engine.applySamples({ ...TP, offset, batch: batch(offset * 300, offset * 300 + 300) })).toBe(true);
  await world.engine.checkpoint();
  world.crash(2, 'synced');
  await world.open();
  const { points, warnings } = await answerOf(world.engine);
  expect([points.size, warnings]).toEqual([(offset + 1) * 300, []]);
});

test('what is read meanwhile is read, and nobody has the database open twice', async () => {
  const world = await waiting(300);
  for (let round = 0; round < 20; round++) {
    world.disk.failNext(round % 2 === 0 ? 'append' : 'sync', { path: LOG });
    const failing = world.engine.checkpoint().catch(() => undefined);
    const answers = await Promise.all([1, 2, 3].map(() => answerOf(world.engine)));
    await failing;
    for (const { points, warnings } of answers) expect([points.size, warnings]).toEqual([600, []]);
  }
  await world.engine.checkpoint();
  expect((await answerOf(world.engine)).points.size).toBe(600);
});

test('what a failed write took away of what was durable is damage: what waits goes to a next life', async () => {
  const world = await waiting(300);
  world.disk.failNext('append', { path: LOG });
  await expect(world.engine.checkpoint()).rejects.toThrow();
  await world.disk.writeAtomic(LOG, new Uint8Array(0));
  await world.engine.checkpoint();
  world.crash(3, 'synced');
  await world.open();
  const { points, warnings } = await answerOf(world.engine);
  expect(points.size).toBeGreaterThanOrEqual(300);
  expect(warnings.length).toBeGreaterThan(0);
});
