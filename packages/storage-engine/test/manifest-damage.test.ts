import { BatchBuilder, labelsOf, labelValue, matcher } from '@tidemark/model';
import { expect, test } from 'vitest';
import { decodeSegmentManifest } from '../src/tiering/manifest.ts';
import { START_MS, World } from './world.ts';

// A manifest is kept twice; where both are damaged it is made anew of segments, which cannot say all that it said: answers warn then.

const TP = { topic: 'tidemark.raw', partition: 0 };
const OTHER = { topic: 'tidemark.raw', partition: 1 };
const MANIFEST = 'manifests/tidemark.raw/0.manifest';
const COPY = `${MANIFEST}-copy`;
const HOUR = 3_600_000;

class Story {
  readonly world = new World();
  offset = 0;

  async begin(): Promise<this> {
    this.world.options = { supplementAfterMs: 0, compactAfterMs: 0 };
    await this.world.open();
    return this;
  }

  async live(hours: number, tp = TP): Promise<void> {
    const { world } = this;
    for (let hour = 0; hour < hours; hour++) {
      const builder = new BatchBuilder('default');
      for (const host of ['a', 'b']) {
        builder.addLabels(labelsOf({ __name__: 'up', host }), world.clock.nowMs(), this.offset);
      }
      const batch = builder.build(world.clock.nowMs());
      world.engine.applySamples({ ...tp, offset: this.offset++, batch });
      await world.clock.advance(HOUR);
      await world.engine.checkpoint();
      expect((await world.engine.seal({ supplementsToo: true })).failures).toEqual([]);
    }
  }

  async reopen(): Promise<void> {
    this.world.crash(1, 'synced');
    await this.world.open();
    expect(this.world.engine.sealedUnknown).toBe(undefined);
  }

  async answer() {
    const { series, warnings } = await this.world.engine.source().select({
      tenant: 'default',
      matchers: [matcher('=', '__name__', 'up')],
      range: { startMs: 0, endMs: START_MS * 2 },
      limits: { seriesMax: 100, samplesMax: 1e6 },
      signal: new AbortController().signal,
    });
    const points = series.flatMap(({ labels, timestampsMs }) =>
      [...timestampsMs].map((time) => `${labelValue(labels, 'host')} ${time}`),
    );
    return { points: points.sort(), warnings };
  }

  async entries(name = MANIFEST) {
    return decodeSegmentManifest((await this.world.objects.get(name)).bytes).entries.map(({ object }) => object);
  }

  harm(...names: string[]): void {
    for (const name of names) this.world.objects.flip(name, 100);
  }
}

test.each([MANIFEST, COPY])('%s is damaged: nothing is missing, and both are mended by the start', async (name) => {
  const story = await new Story().begin();
  await story.live(7);
  const [before, entries] = [await story.answer(), await story.entries()];
  story.harm(name);
  await story.reopen();
  expect(await story.answer()).toEqual(before);
  expect([await story.entries(), await story.entries(COPY)]).toEqual([entries, entries]);
  expect(story.world.metrics.expose()).toContain('tidemark_storage_quarantined_total{what="manifest"} 1');
});

test('it is damaged while the engine runs: the next seal mends it', async () => {
  const story = await new Story().begin();
  await story.live(5);
  story.harm(MANIFEST);
  await story.live(4);
  await story.reopen();
  expect((await story.answer()).points.length).toBe(18);
  expect((await story.answer()).warnings).toEqual([]);
});

test('a manifest from before there were copies is given one by the start', async () => {
  const story = await new Story().begin();
  await story.live(5);
  await story.world.objects.delete(COPY);
  await story.reopen();
  expect(await story.entries(COPY)).toEqual(await story.entries());
});

test('a copy that is ahead of its manifest is believed only where that is damaged, and what it names is not removed', async () => {
  for (const isDamaged of [false, true]) {
    const story = await new Story().begin();
    const { world } = story;
    world.options = { ...world.options, objectLeaseMs: HOUR, orphanSearchMs: 0 };
    await story.live(5);
    const before = await world.objects.get(MANIFEST);
    // A process that died between the two.
    await story.live(2);
    world.objects.replace(MANIFEST, before.bytes);
    expect(await story.entries(COPY)).not.toEqual(await story.entries());
    const ahead = (await story.entries(COPY)).at(-1) as string;
    for (let i = 0; i < 3; i++) {
      await world.engine.compact();
      await world.clock.advance(2 * HOUR);
    }
    expect(world.objects.names()).toContain(ahead);
    if (isDamaged) story.harm(MANIFEST);
    const entries = await story.entries(isDamaged ? COPY : MANIFEST);
    await story.reopen();
    expect(await story.entries()).toEqual(entries);
    expect(await story.entries(COPY)).toEqual(entries);
  }
});

test('both are damaged: it is made anew of segments, answers warn, start after start, and other partitions know what they knew', async () => {
  const story = await new Story().begin();
  await story.live(7);
  await story.live(5, OTHER);
  const { points } = await story.answer();
  const entries = await story.entries();
  story.harm(MANIFEST, COPY);
  for (let start = 0; start < 2; start++) {
    await story.reopen();
    const after = await story.answer();
    expect(after.points).toEqual(points);
    expect(after.warnings.length).toBeGreaterThan(0);
    expect(after.warnings.every((warning) => warning.includes('segments/tidemark.raw/0/'))).toBe(true);
    expect(await story.entries()).toEqual(entries);
  }
  // What is sealed and compacted from then on goes on as ever.
  await story.live(5);
  expect((await story.answer()).points.length).toBe(points.length + 10);
});

test('made anew, it names what was compacted and not what that was made of, and keeps the lives that it has', async () => {
  const story = await new Story().begin();
  const { world } = story;
  world.options = { ...world.options, compactAfterMs: 0 };
  await story.live(50);
  expect((await world.engine.compact()).jobs).toBeGreaterThan(0);
  const whole = decodeSegmentManifest((await world.objects.get(MANIFEST)).bytes);
  expect(world.objects.names().length, 'what was compacted waits for its lease').toBeGreaterThan(
    whole.entries.length + 2,
  );
  const { points } = await story.answer();
  story.harm(MANIFEST, COPY);
  await story.reopen();
  const anew = decodeSegmentManifest((await world.objects.get(MANIFEST)).bytes);
  expect(anew.entries.map(({ object }) => object)).toEqual(whole.entries.map(({ object }) => object));
  expect(anew.merged).toEqual(whole.merged);
  expect((await story.answer()).points).toEqual(points);
});
