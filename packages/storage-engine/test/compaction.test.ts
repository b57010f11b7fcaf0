import { seededRandom, TidemarkError } from '@tidemark/base';
import { BatchBuilder, labelsOf, labelValue, matcher } from '@tidemark/model';
import { describe, expect, test } from 'vitest';
import { decodeSegmentManifest, type Manifest, type SegmentEntry } from '../src/tiering/manifest.ts';
import { changeManifest } from '../src/tiering/manifest-store.ts';
import { START_MS, World } from './world.ts';

// What becomes of segments: merged, kept for readers under way, removed.

const TP = { topic: 'tidemark.raw', partition: 0 };
const NONE: Manifest = { tier: 'raw', ...TP, entries: [], merged: [] };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
// The beginning of a day, so that whole days are whole spans.
const FROM_MS = Math.ceil(START_MS / DAY) * DAY;

/** A world that a few hosts report to every ten minutes. */
class Fleet {
  readonly world: World;
  readonly said = new Map<string, number>();
  #offset = 0;

  constructor(seed = 1) {
    this.world = new World(seededRandom(seed));
    this.world.options = { supplementAfterMs: 0 };
  }

  say(points: readonly (readonly [host: string, atMs: number, value: number])[], tenant = 'default'): void {
    const builder = new BatchBuilder(tenant);
    for (const [host, atMs, value] of points) {
      builder.addLabels(labelsOf({ __name__: 'up', host }), atMs, value);
      if (tenant === 'default') this.said.set(`${host} ${atMs}`, value);
    }
    this.world.engine.applySamples({ ...TP, offset: this.#offset++, batch: builder.build(this.world.clock.nowMs()) });
  }

  /** Lives through `hours`, sealing on the way. */
  async live(hours: number, hosts = 5): Promise<void> {
    for (let hour = 0; hour < hours; hour++) {
      const now = this.world.clock.nowMs();
      for (let i = 0; i < 6; i++) {
        this.say(Array.from({ length: hosts }, (_, h) => [`h${h}`, now + i * 600_000, (now % 1000) + h + i]));
      }
      await this.world.clock.advance(HOUR);
      await this.world.engine.seal();
    }
  }

  async seal(): Promise<void> {
    await this.world.engine.checkpoint();
    await this.world.engine.seal();
  }

  async answer(startMs = 0, endMs = FROM_MS * 2): Promise<Map<string, number>> {
    const { series, warnings } = await this.world.engine.source().select({
      tenant: 'default',
      matchers: [matcher('=', '__name__', 'up')],
      range: { startMs, endMs },
      limits: { seriesMax: 1000, samplesMax: 1e6 },
      signal: new AbortController().signal,
    });
    expect(warnings).toEqual([]);
    const answer = new Map<string, number>();
    for (const { labels, timestampsMs, values } of series) {
      for (const [i, t] of timestampsMs.entries())
        answer.set(`${labelValue(labels, 'host')} ${t}`, values[i] as number);
    }
    return answer;
  }

  segments(): string[] {
    return this.world.objects.names().filter((name) => name.endsWith('.seg'));
  }

  async named() {
    return decodeSegmentManifest((await this.world.objects.get('manifests/tidemark.raw/0.manifest')).bytes);
  }
}

async function fleet(hours: number): Promise<Fleet> {
  const it = new Fleet();
  await it.world.open();
  await it.world.clock.advance(FROM_MS - START_MS);
  await it.live(hours);
  return it;
}

const sorted = (points: ReadonlyMap<string, number>) => [...points].sort(([a], [b]) => (a < b ? -1 : 1));

describe('compaction', () => {
  test('a day becomes one segment with the same answers; the old objects go after their lease', async () => {
    const it = await fleet(27);
    expect((await it.named()).entries.length).toBe(13);
    const report = await it.world.engine.compact();
    expect(report).toMatchObject({ jobs: 1, segmentsBefore: 12, segmentsAfter: 1, removed: 0, failures: [] });
    expect(report.bytesAfter).toBeLessThan(report.bytesBefore);
    const { entries, merged } = await it.named();
    expect(entries.map(({ level, startMs, endMs }) => [level, startMs, endMs])).toEqual([
      [1, FROM_MS, FROM_MS + DAY],
      [0, FROM_MS + DAY, FROM_MS + DAY + 2 * HOUR],
    ]);
    expect(merged.length).toBe(12);
    expect(sorted(await it.answer())).toEqual(sorted(it.said));
    expect(it.segments().length, 'readers under way').toBe(14);
    await it.world.clock.advance(HOUR);
    expect((await it.world.engine.compact()).removed).toBe(12);
    expect(it.segments()).toEqual(entries.map(({ object }) => object));
    expect(sorted(await it.answer())).toEqual(sorted(it.said));
    it.world.crash(1);
    await it.world.open();
    expect(sorted(await it.answer())).toEqual(sorted(it.said));
  });

  test('late samples become supplements that outrank what is compacted, and are merged when they are many', async () => {
    const it = await fleet(27);
    await it.world.engine.compact();
    for (let i = 0; i < 4; i++) {
      it.say([['h1', FROM_MS + i * 4 * HOUR, -1 - i]]);
      await it.seal();
    }
    expect((await it.named()).entries.filter(({ level, sequence }) => level === 0 && sequence === 1).length).toBe(4);
    expect(sorted(await it.answer())).toEqual(sorted(it.said));
    await it.world.clock.advance(3 * HOUR);
    expect((await it.world.engine.compact()).jobs).toBe(1);
    const { entries, merged } = await it.named();
    expect(entries.filter(({ startMs }) => startMs < FROM_MS + DAY).map(({ level }) => level)).toEqual([1]);
    expect(merged.reduce((sum, { lives }) => sum + lives.length, 0)).toBe(16);
    expect(sorted(await it.answer())).toEqual(sorted(it.said));
    // A life that was merged is still known: what comes now has the number after it.
    it.say([['h1', FROM_MS, -100]]);
    await it.seal();
    expect((await it.named()).entries.map(({ sequence }) => sequence)).toContain(2);
    expect(sorted(await it.answer())).toEqual(sorted(it.said));
  });

  test('a segment that cannot be read stays with its window and is warned of; the rest is compacted', async () => {
    const it = await fleet(27);
    const [damaged] = it.segments();
    it.world.objects.flip(damaged as string, 100);
    const report = await it.world.engine.compact();
    expect(report.jobs).toBe(1);
    expect(report.failures).toMatchObject([expect.stringContaining('fails its checksum')]);
    expect((await it.named()).entries.map(({ level }) => level)).toEqual([0, 1, 0]);
    it.world.objects.flip(damaged as string, 100);
    expect(sorted(await it.answer())).toEqual(sorted(it.said));
    await it.world.clock.advance(2 * HOUR);
    await it.world.engine.compact();
    expect((await it.named()).entries.map(({ level }) => level)).toEqual([1, 0]);
    expect(sorted(await it.answer())).toEqual(sorted(it.said));
  });

  test('objects that nobody names are removed after a lease, and none that is named', async () => {
    const it = await fleet(27);
    const bytes = Uint8Array.of(1, 2, 3);
    await it.world.objects.putIfAbsent('segments/tidemark.raw/0/raw/left-by-a-crash.seg', bytes);
    await it.world.clock.advance(HOUR);
    expect((await it.world.engine.compact()).removed).toBe(0);
    await it.world.clock.advance(HOUR);
    expect((await it.world.engine.compact()).removed).toBe(13);
    expect(it.segments()).not.toContain('segments/tidemark.raw/0/raw/left-by-a-crash.seg');
    expect(sorted(await it.answer())).toEqual(sorted(it.said));
  });

  test('nothing is removed while the manifests cannot be read', async () => {
    const it = await fleet(4);
    await it.world.objects.putIfAbsent('segments/tidemark.raw/0/raw/left-by-a-crash.seg', Uint8Array.of(1));
    await it.world.engine.compact();
    await it.world.clock.advance(HOUR);
    it.world.objects.away = true;
    expect(await it.world.engine.compact()).toMatchObject({ removed: 0, failures: [expect.stringContaining('away')] });
    it.world.objects.away = false;
    expect((await it.world.engine.compact()).removed).toBe(1);
  });

  test('a store that lets nobody see its unended uploads has objects removed all the same', async () => {
    const it = await fleet(4);
    await it.world.objects.putIfAbsent('segments/tidemark.raw/0/raw/left-by-a-crash.seg', Uint8Array.of(1));
    it.world.objects.removeUnfinished = () =>
      Promise.reject(new TidemarkError('OBJECT_STORE_DENIED', 'ListBucketMultipartUploads is not allowed'));
    await it.world.engine.compact();
    await it.world.clock.advance(HOUR);
    expect(await it.world.engine.compact()).toMatchObject({ removed: 1, failures: [] });
  });

  test('large parts are cut, and read as one', async () => {
    const it = new Fleet();
    it.world.options = { ...it.world.options, compactBytesMax: 500 };
    await it.world.open();
    await it.world.clock.advance(FROM_MS - START_MS);
    await it.live(27, 40);
    const report = await it.world.engine.compact();
    expect(report.jobs).toBe(1);
    expect(report.segmentsAfter).toBeGreaterThan(3);
    expect(sorted(await it.answer())).toEqual(sorted(it.said));
  });

  test('a source that somebody takes out of the manifest meanwhile makes it void', async () => {
    const it = new Fleet();
    let left: readonly SegmentEntry[] = [];
    const at = async (point: string) => {
      if (point !== 'compact:put') return;
      const taken = await changeManifest(it.world.objects, TP, NONE, (current) => ({
        ...current,
        entries: current.entries.slice(1),
      }));
      left = taken.entries;
    };
    it.world.options = { ...it.world.options, at };
    await it.world.open();
    await it.world.clock.advance(FROM_MS - START_MS);
    await it.live(27);
    const report = await it.world.engine.compact();
    expect([report.jobs, report.failures]).toEqual([0, []]);
    expect(left.length).toBeGreaterThan(3);
    expect((await it.named()).entries).toEqual(left);
    // What was taken out is not answered again.
    const leftOver = [...it.said].filter(([key]) => Number(key.split(' ')[1]) >= (left[0] as SegmentEntry).startMs);
    expect(sorted(await it.answer())).toEqual(sorted(new Map(leftOver)));
  });

  test('closing ends it; the next run does the same again', async () => {
    const it = await fleet(27);
    it.world.objects.faults = { failures: 0, lostReplies: 0, slow: 1, conflicts: 0 };
    const compacting = it.world.engine.compact();
    const ended = expect(compacting).rejects.toThrow('closed');
    await it.world.engine.close();
    await ended;
    await it.world.open();
    expect((await it.world.engine.compact()).jobs).toBe(1);
    expect(sorted(await it.answer())).toEqual(sorted(it.said));
  });
});

describe('retention', () => {
  test('whole days go, and nothing past its time is answered though its day still is there', async () => {
    const it = await fleet(27);
    await it.world.engine.compact();
    await it.world.clock.advance(7 * DAY - 12 * HOUR);
    await it.world.engine.seal();
    const oldestMs = it.world.clock.nowMs() - 7 * DAY;
    const kept = new Map([...it.said].filter(([key]) => Number(key.split(' ')[1]) >= oldestMs));
    expect(kept.size).toBeGreaterThan(0);
    expect(kept.size).toBeLessThan(it.said.size);
    expect(sorted(await it.answer())).toEqual(sorted(kept));
    await it.world.clock.advance(10 * HOUR);
    expect((await it.world.engine.seal()).expired).toBe(1);
    expect((await it.named()).entries.map(({ level }) => level)).toEqual([0, 0]);
  });

  test('most of a segment past its time is reclaimed by writing the rest anew', async () => {
    const it = await fleet(27);
    await it.world.engine.compact();
    const [before] = (await it.named()).entries;
    await it.world.clock.advance(7 * DAY - 12 * HOUR);
    await it.world.engine.seal();
    expect((await it.world.engine.compact()).failures).toEqual([]);
    const [after] = (await it.named()).entries;
    expect(after?.tenants[0]?.samples).toBeLessThan(before?.tenants[0]?.samples as number);
    expect(after?.startMs).toBe(FROM_MS + 14 * HOUR);
  });

  test('raw that the rollup has not read stays and is answered', async () => {
    const it = new Fleet();
    let rolledUpThrough = 0;
    it.world.options = { ...it.world.options, rolledUpThrough: () => rolledUpThrough };
    await it.world.open();
    await it.world.clock.advance(FROM_MS - START_MS);
    await it.live(6);
    await it.world.clock.advance(8 * DAY);
    expect((await it.world.engine.seal()).expired).toBe(0);
    expect(sorted(await it.answer())).toEqual(sorted(it.said));
    rolledUpThrough = 1000;
    expect((await it.world.engine.seal()).expired).toBe(3);
    expect(await it.answer()).toEqual(new Map());
  });

  test('raw goes when the record after its last is the next to be rolled up, and not before', async () => {
    const it = new Fleet();
    let rolledUpThrough = 0;
    it.world.options = { ...it.world.options, rolledUpThrough: () => rolledUpThrough };
    await it.world.open();
    await it.world.clock.advance(FROM_MS - START_MS);
    await it.live(5);
    await it.world.clock.advance(3 * HOUR);
    await it.seal();
    const { entries } = await it.named();
    expect(entries.length).toBe(3);
    await it.world.clock.advance(8 * DAY);
    rolledUpThrough = entries.at(-1)?.sealedThroughOffset ?? -1;
    // The last two were frozen by one checkpoint.
    expect((await it.world.engine.seal()).expired).toBe(1);
    rolledUpThrough++;
    expect((await it.world.engine.seal()).expired).toBe(2);
  });

  test('a window that was never sealed stays until its last record is rolled up', async () => {
    const it = new Fleet();
    let rolledUpThrough = 0;
    it.world.options = { ...it.world.options, rolledUpThrough: () => rolledUpThrough };
    await it.world.open();
    await it.world.clock.advance(FROM_MS - START_MS);
    it.world.objects.away = true;
    it.say([['h1', FROM_MS, 1]]);
    it.say([['h1', FROM_MS + 1, 2]]);
    await it.world.clock.advance(8 * DAY);
    const windows = async () => {
      await it.world.engine.seal();
      return it.world.engine.stats().tiers.raw.windows;
    };
    expect(await windows()).toBe(1);
    rolledUpThrough = 1;
    expect(await windows()).toBe(1);
    rolledUpThrough = 2;
    expect(await windows()).toBe(0);
  });

  test('windows that were never sealed go as well', async () => {
    const it = new Fleet();
    await it.world.open();
    await it.world.clock.advance(FROM_MS - START_MS);
    it.world.objects.away = true;
    it.say([['h1', FROM_MS, 1]]);
    await it.world.clock.advance(3 * HOUR);
    await it.world.engine.seal();
    expect(it.world.engine.stats().tiers.raw.windows).toBe(1);
    await it.world.clock.advance(8 * DAY);
    await it.world.engine.seal();
    expect(it.world.engine.stats().tiers.raw.windows).toBe(0);
    it.world.crash(3);
    await it.world.open();
    expect(it.world.engine.stats().tiers.raw.windows).toBe(0);
    expect(it.world.engine.stats().shards[0]?.damagedWindows).toBe(0);
  });
});
