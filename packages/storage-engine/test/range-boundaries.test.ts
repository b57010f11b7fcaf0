import { BatchBuilder, labelsOf, matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import { START_MS, World } from './world.ts';

// A range has its start and not its end, wherever the sample at either lies: first or last of a chunk, in a slot or a stream, out of
// order, in memory, in a window or in a segment.

const TP = { topic: 'tidemark.raw', partition: 0 };
const STEP_MS = 10_000;
const COUNT = 400;
const HOUR = 3_600_000;
// So that all are of one window.
const FROM_MS = Math.ceil(START_MS / (2 * HOUR)) * 2 * HOUR;
const timeOf = (i: number) => FROM_MS + i * STEP_MS;
/** What came late lies between the others. */
const LATE = [3, 150, 151, 390];
const TIMES = [...Array.from({ length: COUNT }, (_, i) => timeOf(i)), ...LATE.map((i) => timeOf(i) + 1)].sort(
  (a, b) => a - b,
);

class Told {
  readonly world = new World();
  #offset = 0;

  say(timesMs: readonly number[]): void {
    const builder = new BatchBuilder('default');
    for (const timeMs of timesMs) builder.addLabels(labelsOf({ __name__: 'up' }), timeMs, timeMs - FROM_MS);
    this.world.engine.applySamples({ ...TP, offset: this.#offset++, batch: builder.build(this.world.clock.nowMs()) });
  }

  async open(): Promise<this> {
    this.world.options = { supplementAfterMs: 0 };
    await this.world.open();
    await this.world.clock.advance(timeOf(COUNT) - START_MS);
    return this;
  }

  async times(startMs: number, endMs: number): Promise<number[]> {
    const { series, warnings } = await this.world.engine.source().select({
      tenant: 'default',
      matchers: [matcher('=', '__name__', 'up')],
      range: { startMs, endMs },
      limits: { seriesMax: 10, samplesMax: 1e6 },
      signal: new AbortController().signal,
    });
    expect(warnings).toEqual([]);
    return series.flatMap(({ timestampsMs }) => [...timestampsMs]);
  }

  /** Each sample alone, nothing right before or behind it, and each from the beginning and to the end. */
  async check(): Promise<void> {
    for (const [i, timeMs] of TIMES.entries()) {
      expect(await this.times(timeMs, timeMs + 1), `sample ${i} alone`).toEqual([timeMs]);
      if (TIMES[i + 1] !== timeMs + 1) expect(await this.times(timeMs + 1, timeMs + 2), `behind ${i}`).toEqual([]);
      expect((await this.times(0, timeMs)).length, `up to ${i}`).toBe(i);
      expect((await this.times(timeMs, timeOf(COUNT))).length, `from ${i} on`).toBe(TIMES.length - i);
    }
  }
}

test('wherever it lies', async () => {
  const told = await new Told().open();
  const inOrder = Array.from({ length: COUNT }, (_, i) => timeOf(i));
  for (let at = 0; at < COUNT; at += 50) told.say(inOrder.slice(at, at + 50));
  told.say(LATE.map((i) => timeOf(i) + 1));
  await told.check();
  await told.world.engine.checkpoint();
  await told.check();
  told.world.crash(1);
  await told.world.open();
  await told.check();
  await told.world.clock.advance(3 * HOUR);
  expect((await told.world.engine.seal()).failures).toEqual([]);
  expect(told.world.engine.stats().tiers.raw).toMatchObject({ segments: 1, windows: 0 });
  await told.check();
});
