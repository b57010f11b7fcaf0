import { BatchBuilder, labelsOf, matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

// Series that come and go: what is sealed and silent leaves memory, checkpoints and series files.

const TP = { topic: 'tidemark.raw', partition: 0 };
const HOUR = 3_600_000;
const SERIES = 300;
let offset = 0;

function say(world: World, round: number, atMs: number, value: number, count = SERIES): void {
  const builder = new BatchBuilder('default');
  for (let i = 0; i < count; i++) {
    builder.addLabels(
      labelsOf({ __name__: 'pod_cpu', pod: `pod-${round}-${i}`, node: `node-${i % 7}` }),
      atMs,
      value + i,
    );
  }
  world.engine.applySamples({ ...TP, offset: offset++, batch: builder.build(world.clock.nowMs()) });
}

async function ask(world: World, round: number): Promise<(readonly [number, number])[][]> {
  const { series, warnings } = await world.engine.source().select({
    tenant: 'default',
    matchers: [matcher('=', '__name__', 'pod_cpu'), matcher('=~', 'pod', `pod-${round}-.*`)],
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax: 1e6, samplesMax: 1e7 },
    signal: new AbortController().signal,
  });
  expect(warnings).toEqual([]);
  return series.map(({ timestampsMs, values }) => [...timestampsMs].map((t, i) => [t, values[i] as number] as const));
}

async function checkpointBytes(world: World): Promise<number> {
  let bytes = 0;
  const folder = 'shards/tidemark.raw/0';
  for (const name of await world.disk.list(folder))
    if (!name.endsWith('/')) bytes += await world.disk.size(`${folder}/${name}`);
  return bytes;
}

test('fifty rounds in which every series is new: memory and checkpoints stay as they are, answers too', async () => {
  offset = 0;
  const world = new World();
  world.options = { forgetSeriesMin: 100 };
  await world.open();
  const sizes: { series: number; headBytes: number; checkpoint: number }[] = [];
  for (let round = 0; round < 50; round++) {
    const now = world.clock.nowMs();
    for (let i = 0; i < 3; i++) say(world, round, now + i * 60_000, round);
    await world.clock.advance(2 * HOUR);
    await world.engine.checkpoint();
    await world.engine.seal();
    await world.engine.checkpoint();
    const { series, headBytes } = world.engine.stats().tiers.raw;
    sizes.push({ series, headBytes, checkpoint: await checkpointBytes(world) });
    if (round % 17 === 16) {
      world.crash(round);
      await world.open();
      expect(world.engine.position(TP)).toBe(offset);
    }
  }
  const most = (of: (size: (typeof sizes)[number]) => number, from: number) => Math.max(...sizes.slice(from).map(of));
  // The window that is open, the one in its grace, and less than a third that waits for company.
  expect(most(({ series }) => series, 0)).toBeLessThanOrEqual(3 * SERIES);
  for (const of of [
    (size: (typeof sizes)[number]) => size.headBytes,
    (size: (typeof sizes)[number]) => size.checkpoint,
  ]) {
    expect(most(of, 40)).toBeLessThanOrEqual(most(of, 0) * 1.01);
    expect(most(of, 40)).toBeLessThanOrEqual(most(of, 5) * 1.01);
  }
  for (const round of [0, 25, 49]) {
    const answer = await ask(world, round);
    expect(answer.length).toBe(SERIES);
    expect(answer.every((points) => points.length === 3)).toBe(true);
  }
});

test('those that stay keep what they have in head, windows and out of order, and forgotten ones come back', async () => {
  offset = 0;
  const world = new World();
  world.options = { supplementAfterMs: 0, forgetSeriesMin: 100 };
  await world.open();
  const from = world.clock.nowMs();
  say(world, 0, from, 0);
  say(world, 1, from, 0, 600);
  const said = [from];
  for (let i = 1; i <= 40; i++) {
    const at = from + i * 300_000;
    await world.clock.advance(300_000);
    say(world, 0, at, i);
    said.push(at);
  }
  // Behind what is finished, and in no checkpoint yet.
  say(world, 0, from + 39 * 300_000 + 1, -1);
  expect(world.engine.stats().tiers.raw.series).toBe(SERIES + 600);
  await world.engine.seal();
  expect(world.engine.stats().tiers.raw.series).toBe(SERIES);
  const answer = await ask(world, 0);
  expect(answer.length).toBe(SERIES);
  expect(answer[0]?.length).toBe(said.length + 1);
  // A forgotten one brings something late for what is sealed, and something new.
  say(world, 1, from, 1000, 10);
  say(world, 1, world.clock.nowMs(), 2000, 10);
  world.crash(5, 'synced');
  await world.open();
  expect(world.engine.position(TP), 'the seal made a checkpoint').toBe(offset - 2);
  offset -= 2;
  say(world, 1, from, 1000, 10);
  say(world, 1, world.clock.nowMs(), 2000, 10);
  await world.engine.checkpoint();
  await world.engine.seal();
  const back = (await ask(world, 1)).sort((a, b) => b.length - a.length);
  expect(back.length).toBe(600);
  expect(back[0]?.map(([, value]) => value).sort((a, b) => a - b)).toEqual([1000, 2000]);
  expect(back[10]?.length).toBe(1);
  expect((await ask(world, 0))[SERIES - 1]?.length).toBe(said.length + 1);
});
