import { BatchBuilder, labelsOf, matcher, type SampleBatch, wordsOf } from '@tidemark/model';
import { describe, expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

// A read of many series takes many turns of the event loop. Whatever is appended, moved to disk or sealed between them, the
// answer is that of the moment at which it began.

const TP = { topic: 'tidemark.raw', partition: 0 };
const SERIES = 600;
const HOUR_MS = 3_600_000;
const labelsAt = (series: number) => labelsOf({ __name__: `m${series % 3}`, id: `${series}`, job: 'j' });

function batch(timesMs: readonly number[], value: (series: number, i: number) => number, series = SERIES): SampleBatch {
  const builder = new BatchBuilder('default');
  for (let s = 0; s < series; s++) {
    for (const [i, time] of timesMs.entries()) builder.addLabels(labelsAt(s), time, value(s, i));
  }
  return builder.build(START_MS);
}

const steps = (from: number, count: number) => Array.from({ length: count }, (_, i) => START_MS + (from + i) * 15_000);

const RECORDS = [
  batch(steps(10, 130), (s, i) => s + i),
  batch(steps(140, 20), (s, i) => s - i),
  batch(steps(30, 2), (s, i) => s * i + 0.5),
] as const;

/** Head with stream and slot, chunks in a window, some out of order. */
async function filled(): Promise<World> {
  const world = new World();
  await world.open();
  world.engine.applySamples({ ...TP, offset: 0, batch: RECORDS[0] });
  await world.engine.checkpoint();
  world.engine.applySamples({ ...TP, offset: 1, batch: RECORDS[1] });
  world.engine.applySamples({ ...TP, offset: 2, batch: RECORDS[2] });
  return world;
}

const asked = {
  tenant: 'default',
  matchers: [matcher('=', 'job', 'j')],
  range: { startMs: 0, endMs: START_MS * 2 },
  limits: { seriesMax: SERIES, samplesMax: 1e7 },
  limit: 1e6,
};
const quiet = () => new AbortController().signal;

async function select(world: World): Promise<readonly string[]> {
  const { series, warnings } = await world.engine.source().select({ ...asked, signal: quiet() });
  expect(warnings).toEqual([]);
  const lines = series.map(
    ({ labels, timestampsMs, values }) => `${JSON.stringify(labels)} ${timestampsMs.join()} ${wordsOf(values).join()}`,
  );
  // Which series comes first is nobody's promise.
  return lines.sort();
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** More for every series, another value for the newest, something out of order, and three hundred series that are new. */
function disturb(world: World, offset: number): void {
  world.engine.applySamples({ ...TP, offset, batch: batch(steps(159 + offset, 2), () => offset, SERIES + 300) });
  world.engine.applySamples({ ...TP, offset: offset + 1, batch: batch(steps(12, 1), () => offset) });
}

async function sealAll(world: World): Promise<void> {
  await world.clock.advance(5 * HOUR_MS);
  const { windows, failures } = await world.engine.seal({ supplementsToo: true });
  expect([windows.length > 0, failures]).toEqual([true, []]);
}

const disturbances: readonly [string, (world: World) => Promise<void>][] = [
  ['appends', async (world) => disturb(world, 3)],
  ['a checkpoint', async (world) => void (await world.engine.checkpoint())],
  ['a seal', sealAll],
  [
    'appends, a checkpoint, appends again and a seal',
    async (world) => {
      disturb(world, 3);
      await world.engine.checkpoint();
      disturb(world, 5);
      await sealAll(world);
    },
  ],
];

describe.each([0, 1, 3])('after %i turns', (turns) => {
  test.each(disturbances)('%s change nothing of an answer under way', async (_, disturbance) => {
    const truth = await select(await filled());
    expect(truth.length).toBe(SERIES);
    const world = await filled();
    const answer = select(world);
    for (let i = 0; i < turns; i++) await turn();
    await disturbance(world);
    const found = await answer;
    expect(found.length).toBe(SERIES);
    for (const [i, series] of found.entries()) expect(series).toBe(truth[i]);
  });

  test.each(disturbances)('%s change nothing of a list of series under way', async (_, disturbance) => {
    const world = await filled();
    const answer = world.engine.source().series({ ...asked, signal: quiet() });
    for (let i = 0; i < turns; i++) await turn();
    await disturbance(world);
    expect((await answer).series.length).toBe(SERIES);
  });
});

test('a reader that takes its time has the windows it began with, though they are sealed meanwhile', async () => {
  const truth = await select(await filled());
  const world = await filled();
  await world.engine.checkpoint();
  const lines: string[] = [];
  let sealed: Promise<void> | undefined;
  const { warnings } = await world.engine.source().select({
    ...asked,
    signal: quiet(),
    async each({ labels, timestampsMs, values }) {
      lines.push(`${JSON.stringify(labels)} ${timestampsMs.join()} ${wordsOf(values).join()}`);
      // From the first series on: most blocks are yet to be read.
      sealed ??= sealAll(world);
      await sealed;
    },
  });
  expect(warnings).toEqual([]);
  expect(lines.sort()).toEqual(truth);
});

test('a window that is made and sealed while a read is under way is not missed', async () => {
  const world = new World();
  await world.open();
  world.engine.applySamples({ ...TP, offset: 0, batch: RECORDS[1] });
  const answer = select(world);
  await sealAll(world);
  const found = await answer;
  expect(found.length).toBe(SERIES);
  expect(await select(world)).toEqual(found);
});

test('no turn takes more than 256 series', async () => {
  const world = await filled();
  const source = world.engine.source();
  const signal = quiet();
  for (const ask of [
    () => source.select({ ...asked, signal }),
    () => source.series({ ...asked, signal }),
    () => source.labelNames({ ...asked, signal }),
    () => source.labelValues({ ...asked, name: 'id', signal }),
  ]) {
    let turns = 0;
    let done = false;
    const answer = ask().finally(() => {
      done = true;
    });
    for (; !done; turns++) await turn();
    await answer;
    expect(turns).toBeGreaterThanOrEqual(2 * Math.floor(SERIES / 256));
  }
});

test('a read that is cancelled ends at its next turn and lets go of everything', async () => {
  const world = await filled();
  const source = world.engine.source();
  for (const ask of [
    (signal: AbortSignal) => source.select({ ...asked, signal }),
    (signal: AbortSignal) => source.series({ ...asked, signal }),
    (signal: AbortSignal) => source.labelNames({ ...asked, signal }),
    (signal: AbortSignal) => source.labelValues({ ...asked, name: 'id', signal }),
  ]) {
    const cancel = new AbortController();
    const answer = ask(cancel.signal);
    await turn();
    cancel.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
    await expect(ask(cancel.signal)).rejects.toThrow('enough');
  }
  await sealAll(world);
  expect([...world.levels.databases().keys()]).toEqual([]);
});

test('too many series are the reader’s trouble, though an append finds it out', async () => {
  const world = await filled();
  const limits = { seriesMax: 500, samplesMax: 1e7 };
  const answer = world.engine.source().select({ ...asked, limits, signal: quiet() });
  const refused = expect(answer).rejects.toThrow('more than 500 series');
  disturb(world, 3);
  await refused;
  expect(world.engine.position(TP)).toBe(5);
});

test.each([
  ['before everything', 0, START_MS + 10 * 15_000, 0],
  ['up to the oldest', 0, START_MS + 10 * 15_000 + 1, SERIES],
  ['what only the stream has', START_MS + 140 * 15_000, START_MS + 140 * 15_000 + 1, SERIES],
  ['from the newest', START_MS + 159 * 15_000, START_MS * 2, SERIES],
  ['after everything', START_MS + 159 * 15_000 + 1, START_MS * 2, 0],
])('a list of series looks at times, not at samples: %s', async (_, startMs, endMs, count) => {
  const world = await filled();
  const { series } = await world.engine.source().series({ ...asked, range: { startMs, endMs }, signal: quiet() });
  expect(series.length).toBe(count);
});
