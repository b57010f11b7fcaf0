import type { Disk } from '@tidemark/base';
import {
  BatchBuilder,
  labelsOf,
  labelValue,
  type Matcher,
  makeRowColumns,
  matcher,
  RAW_ROLES,
  revisionOffset,
} from '@tidemark/model';
import { expect, test } from 'vitest';
import { decodeSegmentManifest } from '../src/tiering/manifest.ts';
import { START_MS, World } from './world.ts';

// What becomes of a delete, from the moment it is applied until nothing remembers it.

const TP = { topic: 'tidemark.raw', partition: 0 };
const HOUR = 3_600_000;

class Story {
  readonly world = new World();
  offset = 0;

  async begin(): Promise<this> {
    this.world.options = { supplementAfterMs: 0, compactAfterMs: 0 };
    await this.world.open();
    return this;
  }

  say(host: string, atMs: number, value: number, metric = 'up'): void {
    const builder = new BatchBuilder('default');
    builder.addLabels(labelsOf({ __name__: metric, host }), atMs, value);
    const batch = builder.build(this.world.clock.nowMs());
    this.world.engine.applySamples({ ...TP, offset: this.offset++, batch });
  }

  delete(selector: readonly Matcher[], startMs = Number.NEGATIVE_INFINITY, endMs = Number.POSITIVE_INFINITY): void {
    const tombstone = { tenant: 'default', selectors: [selector], startMs, endMs, atMs: this.world.clock.nowMs() };
    this.world.engine.applyDelete({ ...TP, offset: this.offset++, ...tombstone });
  }

  async live(hours: number): Promise<void> {
    for (let i = 0; i < hours; i++) {
      const now = this.world.clock.nowMs();
      for (let k = 0; k < 30; k++) for (const host of ['a', 'b']) this.say(host, now + k * 120_000, i * 30 + k);
      await this.world.clock.advance(HOUR);
      await this.world.engine.checkpoint();
      await this.world.engine.seal();
    }
  }

  async counts(metric = 'up'): Promise<Record<string, number>> {
    const { series, warnings } = await this.world.engine.source().select({
      tenant: 'default',
      matchers: [matcher('=', '__name__', metric)],
      range: { startMs: 0, endMs: START_MS * 2 },
      limits: { seriesMax: 100, samplesMax: 1e6 },
      signal: new AbortController().signal,
    });
    expect(warnings).toEqual([]);
    return Object.fromEntries(series.map(({ labels, values }) => [labelValue(labels, 'host'), values.length]));
  }

  async entries() {
    return decodeSegmentManifest((await this.world.objects.get('manifests/tidemark.raw/0.manifest')).bytes).entries;
  }
}

const UP_A = [matcher('=', '__name__', 'up'), matcher('=', 'host', 'a')];

test('head, windows and segments at once; what is said again lives; a crash right after changes nothing', async () => {
  const story = await new Story().begin();
  await story.live(7);
  const now = story.world.clock.nowMs();
  story.say('a', now, 1);
  story.say('b', now, 1);
  expect(await story.counts()).toEqual({ a: 211, b: 211 });
  story.delete(UP_A);
  expect(await story.counts()).toEqual({ b: 211 });
  story.say('a', now, 2);
  story.say('a', START_MS, 3);
  expect(await story.counts()).toEqual({ a: 2, b: 211 });
  await story.world.engine.checkpoint();
  story.world.crash(1);
  await story.world.open();
  expect(await story.counts()).toEqual({ a: 2, b: 211 });
  expect(story.world.engine.stats().deletes).toBe(1);
});

test('compaction reclaims what is meant, leaves alone what is not, and then nothing remembers the delete', async () => {
  const story = await new Story().begin();
  await story.live(9);
  await story.world.engine.compact();
  const before = await story.entries();
  story.delete(UP_A, START_MS, START_MS + 3 * HOUR);
  story.delete([matcher('=', '__name__', 'nothing')]);
  const answer = await story.counts();
  expect(answer['a']).toBeLessThan(answer['b'] as number);
  await story.world.engine.checkpoint();
  expect((await story.world.engine.compact()).jobs, 'others may follow').toBe(0);
  const report = await story.world.engine.compact({ cleanAll: true });
  expect(report.jobs).toBeGreaterThan(0);
  expect(report.bytesAfter).toBeLessThan(report.bytesBefore);
  const after = await story.entries();
  const untouched = after.filter(({ object }) => before.some((entry) => entry.object === object));
  expect(untouched.length).toBeGreaterThan(0);
  for (const entry of after) expect(entry.cleanedThrough).toBe(story.offset - 1);
  expect(await story.counts()).toEqual(answer);
  // The window that is open goes on being asked until it is sealed and clean.
  await story.live(5);
  await story.world.engine.compact({ cleanAll: true });
  expect(story.world.engine.stats().deletes).toBe(0);
  await story.world.engine.checkpoint();
  story.world.crash(2);
  await story.world.open();
  expect(story.world.engine.stats().deletes).toBe(0);
});

test('what is not meant stays, though a replay finds its window sealed', async () => {
  const story = await new Story().begin();
  const now = story.world.clock.nowMs();
  story.say('a', now, 1);
  story.say('b', now, 1);
  // Durable before the delete: the replay begins with it.
  await story.world.engine.checkpoint();
  const from = story.offset;
  story.say('b', now + 1, 2);
  story.delete(UP_A);
  await story.world.clock.advance(3 * HOUR);
  await story.world.engine.seal();
  story.world.crash(3);
  story.world.loseDisk();
  await story.world.open();
  story.offset = 0;
  story.say('a', now, 1);
  story.say('b', now, 1);
  expect(story.offset).toBe(from);
  story.say('b', now + 1, 2);
  story.delete(UP_A);
  expect(await story.counts()).toEqual({ b: 2 });
});

test.each(['tombstones', 'tombstones-copy'])('%s is damaged: the other one has the deletes', async (file) => {
  const story = await new Story().begin();
  story.say('a', START_MS, 1);
  story.say('b', START_MS, 1);
  story.delete(UP_A);
  await story.world.engine.close();
  await damage(story.world.disk, file);
  await story.world.open();
  expect(await story.counts()).toEqual({ b: 1 });
  await story.world.engine.close();
  const [one, other] = [await story.world.disk.read('tombstones'), await story.world.disk.read('tombstones-copy')];
  expect([...one], 'both are written anew').toEqual([...other]);
  expect(await story.world.disk.list('quarantine')).toEqual([`tombstones-${file}`]);
});

test('both files of deletes are damaged: the store opens, takes more, and warns of what may be back, start after start', async () => {
  const story = await new Story().begin();
  const { world } = story;
  const answer = async (startMs: number) => {
    const range = { startMs, endMs: START_MS * 2 };
    const signal = new AbortController().signal;
    const limits = { seriesMax: 100, samplesMax: 1000 };
    const matchers = [matcher('=', '__name__', 'up')];
    return world.engine.source().select({ tenant: 'default', matchers, range, limits, signal });
  };
  story.say('a', START_MS, 1);
  story.delete(UP_A);
  await world.engine.close();
  for (const file of ['tombstones', 'tombstones-copy']) await damage(world.disk, file);
  for (let start = 0; start < 2; start++) {
    await world.open();
    expect((await answer(0)).warnings).toEqual([expect.stringContaining('what was deleted before may be back')]);
    story.say('b', world.clock.nowMs() + start, 1);
    await world.engine.close();
  }
  await world.clock.advance(1);
  await world.open();
  expect((await answer(world.clock.nowMs())).warnings).toEqual([]);
  // Repeated, it is heeded as ever.
  story.delete(UP_A);
  expect((await answer(0)).series.map(({ labels }) => labelValue(labels, 'host'))).toEqual(['b']);
});

async function damage(disk: Disk, file: string): Promise<void> {
  const bytes = (await disk.read(file)).slice();
  bytes[20] = (bytes[20] as number) ^ 1;
  await disk.writeAtomic(file, bytes);
}

test('rows go by where their own topic of samples stood at the delete; that of critical samples deletes no row of the other', async () => {
  const story = await new Story().begin();
  const { engine } = story.world;
  // Offsets of both topics on either side of the delete.
  const said = RAW_ROLES.flatMap((source) => [5, 6, 41, 42].map((offset) => ({ source, offset })));
  const builder = new BatchBuilder('default');
  for (const { source, offset } of said)
    builder.addLabels(labelsOf({ __name__: 'up', host: `${source} ${offset}` }), 0, 0);
  const rows = makeRowColumns(said.length);
  for (const [i, { source, offset }] of said.entries()) {
    rows.series[i] = i;
    rows.endMs[i] = START_MS + 60_000;
    rows.firstMs[i] = rows.lastMs[i] = START_MS + 30_000;
    rows.count[i] = rows.generation[i] = 1;
    rows.offset[i] = revisionOffset(source, offset);
  }
  const { series } = builder.build(0);
  const batch = { tenant: 'default', resolution: '1m' as const, admittedAtMs: START_MS, series, rows };
  engine.applyRows({ topic: 'tidemark.1m', partition: 0, offset: 0, batch });
  const about = { tenant: 'default', selectors: [[matcher('=', '__name__', 'up')]], atMs: START_MS };
  const always = { startMs: Number.NEGATIVE_INFINITY, endMs: Number.POSITIVE_INFINITY };
  engine.applyDelete({ topic: 'tidemark.raw-critical', partition: 0, offset: 5, ...about, ...always });
  const hosts = async () => {
    const found = await engine.source().selectRows({
      tenant: 'default',
      matchers: about.selectors[0] as Matcher[],
      range: { startMs: 0, endMs: START_MS * 2 },
      limits: { seriesMax: 100, samplesMax: 1e6 },
      signal: new AbortController().signal,
      resolution: '1m',
    });
    return found.series.map(({ labels }) => labelValue(labels, 'host')).sort();
  };
  expect(await hosts()).toHaveLength(said.length);
  engine.applyDelete({ ...TP, offset: 41, criticalOffset: 5, ...about, ...always });
  const left = ['raw 42', 'raw-critical 41', 'raw-critical 42', 'raw-critical 6'];
  expect(await hosts()).toEqual(left);
  await engine.checkpoint();
  story.world.crash(3);
  await story.world.open();
});
