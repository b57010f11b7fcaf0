import { BatchBuilder, formatLabels, labelsOf, matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import { WINDOW_MS } from '../src/index.ts';
import { World } from './world.ts';

// A damaged window while the log's records come again, turn by turn.

const TP = { topic: 'tidemark.raw', partition: 0 };

class Story {
  readonly world = new World();
  warns = false;
  readonly startMs = Math.ceil(this.world.clock.nowMs() / WINDOW_MS.raw) * WINDOW_MS.raw;

  samples(offset: number, instance: string): void {
    const builder = new BatchBuilder('default');
    const labels = labelsOf({ __name__: 'm', instance });
    for (let i = 0; i < 400; i++) builder.addLabels(labels, this.startMs + offset * 400_000 + i * 1000, i);
    this.world.engine.applySamples({ ...TP, offset, batch: builder.build(this.world.clock.nowMs()) });
  }

  /** Of all that an instance has so far. */
  delete(offset: number, instance: string): void {
    this.world.engine.applyDelete({
      ...{ ...TP, offset, tenant: 'default', startMs: 0, endMs: this.startMs * 2, atMs: this.world.clock.nowMs() },
      selectors: [[matcher('=', 'instance', instance)]],
    });
  }

  /** The process ends; its databases are there, and nothing is in them. */
  async loseBlocks(): Promise<void> {
    this.world.crash(1, 'written');
    for (const database of this.world.levels.databases().values()) {
      for (const key of await database.keys().all()) await database.del(key);
    }
    await this.world.open();
  }

  /** Samples of each instance. */
  async answer(): Promise<Record<string, number>> {
    const { series, warnings } = await this.world.engine.source().select({
      tenant: 'default',
      matchers: [matcher('=', '__name__', 'm')],
      range: { startMs: 0, endMs: this.startMs * 2 },
      limits: { seriesMax: 100, samplesMax: 1e6 },
      signal: new AbortController().signal,
    });
    expect(warnings.length > 0, warnings.join()).toBe(this.warns);
    return Object.fromEntries(series.map(({ labels, timestampsMs }) => [formatLabels(labels), timestampsMs.length]));
  }
}

/** A window that is over, of two instances, one of them deleted. */
async function deletedStory(): Promise<{ story: Story; world: World }> {
  const story = new Story();
  const { world } = story;
  await world.open();
  await world.clock.advance(story.startMs + WINDOW_MS.raw * 2 - world.clock.nowMs());
  story.samples(0, 'a');
  story.samples(1, 'b');
  story.delete(2, 'a');
  return { story, world };
}

test('what was deleted stays deleted when windows are sealed while records come again', async () => {
  const { story, world } = await deletedStory();
  story.samples(3, 'b');
  await world.engine.checkpoint();
  expect(await story.answer()).toEqual({ 'm{instance="b"}': 800 });
  await story.loseBlocks();
  world.engine.refill(TP, world.engine.lacking(TP));
  story.samples(0, 'a');
  await world.engine.seal({ supplementsToo: true });
  story.samples(1, 'b');
  story.delete(2, 'a');
  story.samples(3, 'b');
  world.engine.advance(TP, 4);
  expect(await story.answer()).toEqual({ 'm{instance="b"}': 800 });
  await world.engine.seal({ supplementsToo: true });
  expect(await story.answer()).toEqual({ 'm{instance="b"}': 800 });
});

test('a window of which the log brings nothing stays as it is, warnings and all', async () => {
  const story = new Story();
  const { world } = story;
  await world.open();
  await world.clock.advance(story.startMs - world.clock.nowMs());
  story.samples(0, 'a');
  await world.engine.checkpoint();
  story.samples(1, 'b');
  await world.engine.checkpoint();
  world.crash(1, 'written');
  const [database] = world.levels.databases().values();
  const keys = (await database?.keys().all()) ?? [];
  await database?.del(keys.find((key) => key[8] === 0x64) as Uint8Array);
  await world.open();
  story.warns = true;
  const left = await story.answer();
  expect(Object.keys(left).length).toBeGreaterThan(0);
  world.engine.refill(TP, world.engine.lacking(TP));
  world.engine.advance(TP, 2);
  await world.engine.checkpoint();
  expect(await story.answer()).toEqual(left);
  world.crash(2);
  await world.open();
  expect(await story.answer()).toEqual(left);
});

test('a window is whole too when what came of it is sealed before all has come', async () => {
  const { story, world } = await deletedStory();
  await world.engine.checkpoint();
  await story.loseBlocks();
  world.engine.refill(TP, world.engine.lacking(TP));
  story.samples(0, 'a');
  story.samples(1, 'b');
  story.delete(2, 'a');
  expect((await world.engine.seal()).windows.map(({ sequence }) => sequence)).toEqual([1]);
  world.engine.advance(TP, 3);
  for (let checkpoint = 0; checkpoint < 2; checkpoint++) {
    await world.engine.checkpoint();
    expect(await story.answer()).toEqual({ 'm{instance="b"}': 400 });
  }
});
