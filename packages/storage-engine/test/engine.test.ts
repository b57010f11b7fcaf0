import { isTidemarkError, seededRandom } from '@tidemark/base';
import { BatchBuilder, formatLabels, labelsOf, type Matcher, matcher, type SelectLimits } from '@tidemark/model';
import { describe, expect, test } from 'vitest';
import { openStorageEngine } from '../src/index.ts';
import { START_MS, World } from './world.ts';

const TP = { topic: 'tidemark.raw', partition: 0 };
const HOUR = 3_600_000;

interface Point {
  readonly labels: Readonly<Record<string, string>>;
  readonly atMs: number;
  readonly value: number;
}

function batch(points: readonly Point[], tenant = 'default') {
  const builder = new BatchBuilder(tenant);
  for (const { labels, atMs, value } of points) builder.addLabels(labelsOf(labels), atMs, value);
  return builder.build(START_MS);
}

function steady(instance: string, count: number, stepMs = 15_000, startMs = START_MS): Point[] {
  return Array.from({ length: count }, (_, i) => ({
    labels: { __name__: 'up', instance },
    atMs: startMs + i * stepMs,
    value: i,
  }));
}

function request(matchers: readonly Matcher[], tenant = 'default', limits: Partial<SelectLimits> = {}) {
  return {
    tenant,
    matchers,
    range: { startMs: START_MS - 100 * HOUR, endMs: START_MS + 100 * HOUR },
    limits: { seriesMax: 100, samplesMax: 100_000, ...limits },
    limit: 1000,
    signal: new AbortController().signal,
  };
}
const UP = [matcher('=', '__name__', 'up')];

async function sealedWorld(): Promise<World> {
  const world = new World();
  await world.open();
  world.engine.applySamples({ ...TP, offset: 0, batch: batch([...steady('a', 400), ...steady('b', 400)]) });
  await world.clock.advance(5 * HOUR);
  const report = await world.engine.seal();
  expect(report.windows.length).toBe(1);
  expect(report.failures).toEqual([]);
  return world;
}

test('what a seal reads of a window stays in no cache, nor does what queries read of it before', async () => {
  const cached = (of: string) =>
    Number(new RegExp(`^tidemark_storage_cache_bytes\\{of="${of}"\\} (\\d+)`, 'm').exec(world.metrics.expose())?.[1]);
  const world = new World();
  await world.open();
  world.engine.applySamples({ ...TP, offset: 0, batch: batch([...steady('a', 400), ...steady('b', 400)]) });
  await world.engine.checkpoint();
  const before = await world.engine.source().select(request(UP));
  expect(cached('windows')).toBeGreaterThan(0);
  await world.clock.advance(5 * HOUR);
  expect((await world.engine.seal()).windows.length).toBe(1);
  expect(cached('windows')).toBe(0);
  expect(cached('segments')).toBe(0);
  expect(await world.engine.source().select(request(UP))).toEqual(before);
  expect(cached('segments')).toBeGreaterThan(0);
  expect(cached('indexes')).toBeGreaterThan(0);
});

describe('positions', () => {
  test('a record below the position is ignored, and positions come back after a restart', async () => {
    const world = new World();
    await world.open();
    expect(world.engine.position(TP)).toBe(0);
    expect(world.engine.applySamples({ ...TP, offset: 5, batch: batch(steady('a', 3)) })).toBe(true);
    expect(world.engine.applySamples({ ...TP, offset: 5, batch: batch(steady('b', 3)) })).toBe(false);
    world.engine.advance(TP, 9);
    expect(world.engine.position(TP)).toBe(9);
    // What the log may let go is what two checkpoints have.
    expect(await world.engine.checkpoint()).toEqual([]);
    expect(await world.engine.checkpoint()).toEqual([{ ...TP, offset: 9 }]);
    world.engine.applySamples({ ...TP, offset: 9, batch: batch(steady('c', 3)) });
    world.crash(1);
    await world.open();
    expect(world.engine.position(TP)).toBe(9);
    const { series } = await world.engine.source().select(request(UP));
    expect(series.map(({ labels }) => formatLabels(labels))).toEqual(['up{instance="a"}']);
  });

  test('samples and rows don’t share a partition', async () => {
    const world = new World();
    await world.open();
    world.engine.applySamples({ ...TP, offset: 0, batch: batch(steady('a', 1)) });
    const rows = { tenant: 'default', resolution: '1m' as const, admittedAtMs: 0, series: batch([]).series };
    expect(() =>
      world.engine.applyRows({ ...TP, offset: 1, batch: { ...rows, rows: { length: 0 } as never } }),
    ).toThrow('holds raw');
  });

  test('too much waiting refuses the record whole; a checkpoint makes room', async () => {
    const world = new World();
    world.options = { outOfOrderMax: 5 };
    await world.open();
    world.engine.applySamples({ ...TP, offset: 0, batch: batch(steady('a', 400)) });
    world.engine.applySamples({ ...TP, offset: 1, batch: batch(steady('a', 10, 15_000, START_MS - HOUR)) });
    expect(() => world.engine.applySamples({ ...TP, offset: 2, batch: batch(steady('b', 1)) })).toThrow(
      'wait for a checkpoint',
    );
    expect(world.engine.position(TP)).toBe(2);
    expect(world.engine.checkpointDue()).toBe(true);
    await world.engine.checkpoint();
    expect(world.engine.applySamples({ ...TP, offset: 2, batch: batch(steady('b', 1)) })).toBe(true);
  });

  test('a checkpoint is due after so many samples, and it takes them', async () => {
    const world = new World();
    world.options = { checkpointEntriesMin: 100 };
    await world.open();
    world.engine.applySamples({ ...TP, offset: 0, batch: batch(steady('a', 99)) });
    expect(world.engine.checkpointDue()).toBe(false);
    world.engine.applySamples({ ...TP, offset: 1, batch: batch(steady('b', 1)) });
    world.engine.applySamples({ ...TP, offset: 1, batch: batch(steady('b', 1)) });
    expect(world.engine.checkpointDue()).toBe(true);
    await world.engine.checkpoint();
    expect(world.engine.checkpointDue()).toBe(false);
  });

  test('closed is closed, twice too', async () => {
    const world = new World();
    await world.open();
    world.engine.applySamples({ ...TP, offset: 0, batch: batch(steady('a', 1)) });
    await world.engine.close();
    await world.engine.close();
    expect(() => world.engine.applySamples({ ...TP, offset: 1, batch: batch(steady('a', 1)) })).toThrow('closed');
    await expect(world.engine.checkpoint()).rejects.toThrow('closed');
    await world.open();
    expect(world.engine.position(TP)).toBe(1);
  });
});

describe('a select', () => {
  test('says how many series and samples are too many', async () => {
    const world = await sealedWorld();
    const source = world.engine.source();
    await expect(source.select(request(UP, 'default', { seriesMax: 1 }))).rejects.toMatchObject({
      code: 'SELECT_TOO_MANY_SERIES',
      details: { limit: 1 },
    });
    await expect(source.select(request(UP, 'default', { samplesMax: 799 }))).rejects.toMatchObject({
      code: 'SELECT_TOO_MANY_SAMPLES',
      details: { limit: 799 },
    });
    expect((await source.select(request(UP, 'default', { seriesMax: 2, samplesMax: 800 }))).series.length).toBe(2);
  });

  test('stops when cancelled', async () => {
    const world = await sealedWorld();
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    await expect(world.engine.source().select({ ...request(UP), signal: abort.signal })).rejects.toThrow('enough');
  });

  test('keeps tenants apart, in head and segment', async () => {
    const world = await sealedWorld();
    world.engine.applySamples({ ...TP, offset: 1, batch: batch(steady('a', 1, 1, world.clock.nowMs()), 'other') });
    const other = await world.engine.source().select(request(UP, 'other'));
    expect(other.series.map(({ values }) => [...values])).toEqual([[0]]);
    expect((await world.engine.source().select(request(UP, 'nobody'))).series).toEqual([]);
  });

  test('repeated, replaced and late samples are counted', async () => {
    const world = new World();
    await world.open();
    const at = (value: number, atMs = START_MS) => batch([{ labels: { __name__: 'up' }, atMs, value }]);
    world.engine.applySamples({ ...TP, offset: 0, batch: at(1) });
    world.engine.applySamples({ ...TP, offset: 1, batch: at(1) });
    world.engine.applySamples({ ...TP, offset: 2, batch: at(2) });
    world.engine.applySamples({ ...TP, offset: 3, batch: at(9, START_MS - 3 * HOUR) });
    world.engine.applySamples({ ...TP, offset: 4, batch: at(9, START_MS - 300 * HOUR) });
    world.engine.applySamples({ ...TP, offset: 5, batch: at(9, START_MS + 0.5) });
    const [shard] = world.engine.stats().shards;
    expect(shard?.counts).toMatchObject({
      samples: 2,
      duplicates: 1,
      conflicts: 1,
      outOfOrder: 1,
      tooOld: 1,
      timeInvalid: 1,
    });
    const { series } = await world.engine.source().select(request(UP));
    expect(series.map(({ values }) => [...values])).toEqual([[9, 2]]);
  });
});

test('a seal does not wait for a slow reader, and the reader loses nothing', async () => {
  const world = new World();
  await world.open();
  world.engine.applySamples({ ...TP, offset: 0, batch: batch(steady('a', 400)) });
  await world.engine.checkpoint();
  const earlier = world.engine.source().select(request(UP));
  await world.clock.advance(5 * HOUR);
  const [answer, report] = await Promise.all([earlier, world.engine.seal()]);
  expect(report.windows.length).toBe(1);
  expect(answer.warnings).toEqual([]);
  expect(answer.series.map(({ values }) => values.length)).toEqual([400]);
  await world.engine.close();
  expect(world.levels.databases().size).toBe(0);
});

describe('labels', () => {
  test('names and values come from head and segments, with and without matchers', async () => {
    const world = await sealedWorld();
    const now = world.clock.nowMs();
    const fresh = [{ labels: { __name__: 'down', zone: 'z' }, atMs: now, value: 1 }];
    world.engine.applySamples({ ...TP, offset: 1, batch: batch(fresh) });
    const source = world.engine.source();
    expect((await source.labelNames(request([]))).series).toEqual(['__name__', 'instance', 'zone']);
    expect((await source.labelNames(request(UP))).series).toEqual(['__name__', 'instance']);
    expect((await source.labelValues({ ...request([]), name: '__name__' })).series).toEqual(['down', 'up']);
    expect((await source.labelValues({ ...request(UP), name: 'instance' })).series).toEqual(['a', 'b']);
    expect((await source.series(request(UP))).series.map(formatLabels)).toEqual([
      'up{instance="a"}',
      'up{instance="b"}',
    ]);
    const cut = await source.labelNames({ ...request([]), limit: 1 });
    expect(cut.series.length).toBe(1);
    expect(cut.warnings, 'who asks for one more than needed knows').toEqual([]);
    const longAgo = { startMs: START_MS - 9 * HOUR, endMs: START_MS - 8 * HOUR };
    expect((await source.series({ ...request(UP), range: longAgo })).series).toEqual([]);
  });
});

describe('the object store', () => {
  test('away: recent data is answered, what is sealed is missed with a warning, and sealing waits', async () => {
    const world = await sealedWorld();
    world.engine.applySamples({ ...TP, offset: 1, batch: batch(steady('a', 400, 15_000, world.clock.nowMs())) });
    await world.engine.checkpoint();
    world.crash(1);
    world.objects.away = true;
    await world.open();
    const answer = await world.engine.source().select(request(UP));
    expect(answer.series.map(({ values }) => values.length)).toEqual([400]);
    expect(answer.warnings).toEqual([expect.stringContaining('manifest cannot be read')]);
    expect(() =>
      world.engine.applySamples({ topic: 'new', partition: 0, offset: 0, batch: batch(steady('a', 1)) }),
    ).toThrow('while the object store is away');
    await world.clock.advance(10 * HOUR);
    expect((await world.engine.seal()).windows).toEqual([]);
    world.objects.away = false;
    // The 400 samples reach from 73 minutes into their window over its end.
    expect((await world.engine.seal()).windows.length).toBe(2);
    const whole = await world.engine.source().select(request(UP));
    expect(whole.warnings).toEqual([]);
    expect(whole.series.map(({ values }) => values.length)).toEqual([800, 400]);
  });

  test('a damaged segment is a warning, and the rest is answered', async () => {
    const world = await sealedWorld();
    world.engine.applySamples({ ...TP, offset: 1, batch: batch(steady('a', 2, 15_000, world.clock.nowMs())) });
    const segment = world.objects.names().find((name) => name.startsWith('segments/')) as string;
    world.objects.flip(segment, 40 * 8);
    const { series, warnings } = await world.engine.source().select(request(UP));
    expect(series.map(({ values }) => values.length)).toEqual([2]);
    expect(warnings.join(' ')).toContain('cannot be read');
  });

  test('retention removes what is older than its tier is kept, from manifest and store', async () => {
    const world = await sealedWorld();
    world.options = {};
    await world.clock.advance(8 * 24 * HOUR);
    const report = await world.engine.seal();
    expect(report.expired).toBe(1);
    expect((await world.engine.compact()).removed, 'readers under way have time to end').toBe(0);
    await world.clock.advance(HOUR);
    expect((await world.engine.compact()).removed).toBe(1);
    expect(world.objects.names().filter((name) => name.startsWith('segments/'))).toEqual([]);
    expect((await world.engine.source().select(request(UP))).series).toEqual([]);
  });

  test('a seal whose replies are lost is found done by the next', async () => {
    const world = new World(seededRandom(3));
    await world.open();
    world.engine.applySamples({ ...TP, offset: 0, batch: batch(steady('a', 40)) });
    await world.clock.advance(5 * HOUR);
    world.objects.faults = { failures: 0, lostReplies: 1, slow: 0, conflicts: 0 };
    expect((await world.engine.seal()).failures.length).toBe(1);
    expect((await world.engine.seal()).failures.length).toBe(1);
    world.objects.faults = { failures: 0, lostReplies: 0, slow: 0, conflicts: 0 };
    expect((await world.engine.seal()).windows.length).toBe(1);
    expect(world.objects.names().filter((name) => !name.endsWith('-copy')).length).toBe(2);
    const { series } = await world.engine.source().select(request(UP));
    expect(series.map(({ values }) => values.length)).toEqual([40]);
  });
});

test('a frozen window waits for the store; what comes meanwhile survives even the loss of the disk', async () => {
  const world = new World();
  await world.open();
  const records = [steady('a', 40), steady('late', 3, 15_000, START_MS + 60_000)].map((points) => batch(points));
  const apply = (offset: number) =>
    world.engine.applySamples({ ...TP, offset, batch: records[offset] as ReturnType<typeof batch> });
  apply(0);
  await world.clock.advance(5 * HOUR);
  world.objects.away = true;
  expect((await world.engine.seal()).failures.length).toBe(1);
  apply(1);
  await world.engine.checkpoint();
  world.objects.away = false;
  expect((await world.engine.seal()).windows.map(({ samples }) => samples)).toEqual([40]);
  world.loseDisk();
  await world.open();
  for (const offset of records.keys()) apply(offset);
  const { series } = await world.engine.source().select(request(UP));
  expect(series.map(({ values }) => values.length).sort()).toEqual([3, 40]);
  expect(world.engine.stats().shards[0]?.counts.replayed).toBe(40);
});

test('another installation’s data is refused', async () => {
  const world = new World();
  await world.open();
  world.engine.applySamples({ ...TP, offset: 0, batch: batch(steady('a', 1)) });
  await world.engine.close();
  const other = openStorageEngine({
    disk: world.disk,
    levelStores: world.levels,
    objectStore: world.objects,
    clock: world.clock,
    installationKey: new Uint8Array(32).fill(8),
  });
  await expect(other).rejects.toSatisfy((error) => isTidemarkError(error, 'STORAGE_FOREIGN'));
});
