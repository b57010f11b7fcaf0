import { lineLogger, SelfMetrics, SimClock, seededRandom, TidemarkError } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { SimLog } from '@tidemark/log/sim';
import { BatchBuilder, encodeSampleBatch, labelsOf, matcher } from '@tidemark/model';
import { openStorageEngine, type StorageEngine, WINDOW_MS } from '@tidemark/storage-engine';
import { MemoryLevelStores, SimObjectStore } from '@tidemark/storage-engine/sim';
import { expect, test } from 'vitest';
import { goOnWithout } from './refill.ts';
import { Storer } from './storer.ts';

// A store that starts on damaged windows reads again what the log has of them, and no more of the log than that.

const TP = { topic: 'raw', partition: 0 };
const START_MS = Math.ceil(1_700_000_000_000 / WINDOW_MS.raw) * WINDOW_MS.raw;
const MINUTE_MS = 60_000;
const HOURS = 10;

class World {
  readonly clock = new SimClock(START_MS);
  readonly disk = new SimDisk();
  readonly levels = new MemoryLevelStores();
  readonly objects = new SimObjectStore(seededRandom(1));
  readonly log = new SimLog({ clock: this.clock });
  readonly lines: string[] = [];
  readonly logger = lineLogger({ write: (line) => this.lines.push(line), nowMs: () => this.clock.nowMs() });

  async run(
    work: (engine: StorageEngine, storer: Storer) => Promise<void>,
    { fetchBytesMax = 1 << 20, onStarted = () => undefined as void } = {},
  ): Promise<void> {
    const engine = await openStorageEngine({
      disk: this.disk,
      levelStores: this.levels,
      objectStore: this.objects,
      clock: this.clock,
      installationKey: new Uint8Array(32).fill(7),
    });
    const storer = new Storer({
      log: this.log,
      engine,
      clock: this.clock,
      logger: this.logger,
      metrics: new SelfMetrics(),
      sampleTopics: ['raw'],
      rowTopics: [],
      partitions: [0],
      group: 'storer',
      fetchBytesMax,
      onFailure: (what, error) => expect.unreachable(`${what}: ${error}`),
    });
    await storer.start();
    onStarted();
    await storer.caughtUp(60_000);
    await work(engine, storer);
    await storer.close();
    await engine.close();
  }

  /** A sample a second, a record a minute. */
  async write(minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute++) {
      const builder = new BatchBuilder('default');
      const nowMs = this.clock.nowMs();
      for (let at = 0; at < MINUTE_MS; at += 1000) builder.addLabels(labelsOf({ __name__: 'up' }), nowMs + at, at);
      await this.log.append([{ ...TP, key: null, value: encodeSampleBatch(builder.build(nowMs)) }]);
      await this.clock.advance(MINUTE_MS);
    }
  }

  /** All values of a window's database, counted from the oldest, or from the newest below 0. */
  async harm(nth: number): Promise<void> {
    const database = [...this.levels.databases()].sort(([a], [b]) => (a < b ? -1 : 1)).at(nth)?.[1];
    for (const key of (await database?.keys().all()) ?? []) await database?.del(key);
  }
}

async function answer(engine: StorageEngine): Promise<{ samples: number; warnings: readonly string[] }> {
  const { series, warnings } = await engine.source().select({
    tenant: 'default',
    matchers: [matcher('=', '__name__', 'up')],
    range: { startMs: 0, endMs: START_MS * 2 },
    limits: { seriesMax: 10, samplesMax: 1e6 },
    signal: new AbortController().signal,
  });
  return { samples: series[0]?.timestampsMs.length ?? 0, warnings };
}

async function written(world: World): Promise<void> {
  await world.log.ensureTopics([{ name: 'raw', partitions: 1, compacted: false, retentionMs: 3_600_000 }]);
  await world.write(HOURS * 60 + 30);
  await world.run(async (engine, storer) => {
    await storer.checkpoint();
    expect(await answer(engine)).toEqual({ samples: (HOURS * 60 + 30) * 60, warnings: [] });
  });
}

test('a damaged window is whole again, from the records of its time on; and stays so', async () => {
  const world = new World();
  await written(world);
  await world.harm(-1);
  for (const start of [1, 2]) {
    await world.run(async (engine, storer) => {
      expect(await answer(engine), `start ${start}`).toEqual({ samples: (HOURS * 60 + 30) * 60, warnings: [] });
      await storer.checkpoint();
    });
  }
  const said = world.lines.filter((line) => line.includes('refilled from the log'));
  expect(said).toHaveLength(1);
  const from = Number(/ from=(\d+) /.exec(said[0] ?? '')?.[1]);
  // The window begins at hour 10, the margin is an hour.
  expect([from > 8 * 60, from <= 9 * 60], said[0]).toEqual([true, true]);
  expect(said[0]).toContain('windows=1 complete=1');
});

test('for a window that was over when the log begins, no log is read from its begin; and it is said', async () => {
  const world = new World();
  await written(world);
  await world.harm(0);
  world.log.cutOff(TP, 3 * 60);
  for (const start of [1, 2]) {
    await world.run(async (engine) => {
      const { samples, warnings } = await answer(engine);
      expect([samples, warnings.length > 0], `start ${start}`).toEqual([((HOURS - 2) * 60 + 30) * 60, true]);
    });
  }
  expect(world.lines.filter((line) => line.includes('refilled from the log'))).toEqual([]);
  expect(world.lines.filter((line) => line.includes('not refilled'))).toHaveLength(2);
});

test('records that the log drops while they come again stay lost, and the store goes on', async () => {
  const world = new World();
  await written(world);
  await world.harm(-1);
  const cut = HOURS * 60 + 10;
  const options = { fetchBytesMax: 1, onStarted: () => world.log.cutOff(TP, cut) };
  await world.run(async (engine, storer) => {
    const { samples, warnings } = await answer(engine);
    expect([samples, warnings.length > 0]).toEqual([(HOURS * 60 + 20) * 60, true]);
    await storer.checkpoint();
    await world.write(1);
    expect(await storer.caughtUp(60_000)).toBe(true);
    expect((await answer(engine)).samples).toBe((HOURS * 60 + 21) * 60);
  }, options);
  expect(world.lines.filter((line) => line.includes('dropped records'))).toHaveLength(1);
});

test('a log that lost its end is no log that dropped what came again', async () => {
  const world = new World();
  await written(world);
  await world.harm(-1);
  await world.run(async (engine) => {
    const reader = await world.log.openReader({ group: 'g', from: [{ ...TP, offset: 0 }] });
    const at = engine.position(TP);
    const lost = (offset: number, start: number) =>
      new TidemarkError('LOG_POSITION_LOST', '', { ...TP, offset, start });
    engine.lacking = () => [{ startMs: START_MS, endMs: START_MS + WINDOW_MS.raw }];
    expect(goOnWithout({ engine, logger: world.logger }, reader, lost(at, 0))).toBe(false);
    expect(goOnWithout({ engine, logger: world.logger }, reader, lost(at, at + 1))).toBe(false);
    expect(goOnWithout({ engine, logger: world.logger }, reader, lost(5, 9))).toBe(true);
    expect(reader.positions()).toEqual([{ ...TP, offset: 9 }]);
    await reader.close();
  });
});
