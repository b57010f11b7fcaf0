import { type Random, SelfMetrics, silentLogger } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { matcher } from '@tidemark/model';
import { DEFAULT_S3_OPTIONS, makeS3Metrics, openStorageEngine } from '@tidemark/storage-engine';
import { MemoryLevelStores, NO_S3_FAULTS, S3ObjectStore, SimS3Requests } from '@tidemark/storage-engine/sim';
import { rounds, withSeed } from '@tidemark/testkit';
import { bitsOf, type OracleSample } from '@tidemark/testkit/rows';
import { expect, test } from 'vitest';
import { RowsWorld } from './rows-world.ts';

// An object store that is away for an hour, over the end of a day, when raw windows and minutes are due to be sealed:
//
//   19:00 ────────── raw windows sealed as ever ────────── 00:05 ═══ away ═══ 01:05 ─── catches up ─── 01:10 local disk lost, all is there
//
// Log, rollup, storer, repair and engine as the server wires them, S3 and clock simulated.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MIDNIGHT_MS = Math.ceil(1_700_000_000_000 / DAY_MS) * DAY_MS;
const START_MS = MIDNIGHT_MS - 5 * HOUR_MS;

type Away = 'refuses' | 'hangs' | 'says 503';

interface Found {
  readonly points: ReadonlyMap<string, number>;
  readonly warnings: readonly string[];
}

class Story {
  readonly world = new RowsWorld(START_MS);
  readonly s3: SimS3Requests;
  readonly said = new Map<string, number>();
  #store: S3ObjectStore | undefined;

  constructor(random: Random) {
    this.s3 = new SimS3Requests(this.world.clock, random);
    this.world.objects = () => {
      this.#store?.close();
      this.#store = this.storeOf(random, this.world.metrics);
      return this.#store;
    };
  }

  storeOf(random: Random, metrics: SelfMetrics): S3ObjectStore {
    return new S3ObjectStore({
      requests: this.s3,
      where: { bucket: 'bucket', endpoint: 'http://sim', region: 'sim' },
      prefix: 'room/',
      clock: this.world.clock,
      random,
      logger: silentLogger,
      metrics: makeS3Metrics(metrics),
      options: DEFAULT_S3_OPTIONS,
    });
  }

  away(how: Away | 'no'): void {
    this.s3.away = how === 'says 503' ? 'no' : how;
    this.s3.faults = { ...NO_S3_FAULTS, busy: how === 'says 503' ? 1 : 0 };
  }

  /** What hosts say once in `everyMs`. */
  async live(ms: number, everyMs: number, between: () => Promise<void> = async () => undefined): Promise<void> {
    const { world } = this;
    for (const endMs = world.clock.nowMs() + ms; world.clock.nowMs() < endMs; ) {
      await world.pass(everyMs - (world.clock.nowMs() % everyMs));
      const samples = hostsSay(world.clock.nowMs());
      for (const { series, timestampMs, bits } of samples) this.said.set(`${series}|${timestampMs}`, numberOf(bits));
      await world.feed('default', samples);
      await between();
    }
  }

  async raw(startMs: number, endMs: number, engine = this.world.engine): Promise<Found> {
    const answer = engine.source().select({
      tenant: 'default',
      matchers: [matcher('!=', '__name__', '')],
      range: { startMs, endMs },
      limits: { seriesMax: 1e6, samplesMax: 1e7 },
      signal: new AbortController().signal,
    });
    const { series, warnings } = await this.world.passUntil(answer);
    const points = new Map<string, number>();
    for (const { labels, timestampsMs, values } of series) {
      const name = labels.map(({ value }) => value).join('|');
      for (const [i, t] of timestampsMs.entries()) points.set(`${name}|${t}`, values[i] as number);
    }
    return { points: sorted(points), warnings };
  }

  expected(startMs: number, endMs: number): ReadonlyMap<string, number> {
    return sorted(new Map([...this.said].filter(([key]) => timeOf(key) >= startMs && timeOf(key) < endMs)));
  }

  waiting(tier: 'raw' | '1m' | '1h'): number {
    return this.world.metric(`tidemark_storage_waiting_windows{tier="${tier}"}`);
  }

  requests(): number {
    return [...this.s3.calls.values()].reduce((sum, calls) => sum + calls, 0);
  }

  /** What an engine answers that has nothing but what was sealed. */
  async fromObjectsAlone(random: Random, endMs: number): Promise<Found> {
    const store = this.storeOf(random, new SelfMetrics());
    const opening = openStorageEngine({
      disk: new SimDisk(),
      levelStores: new MemoryLevelStores(),
      objectStore: store,
      clock: this.world.clock,
      installationKey: new Uint8Array(32).fill(7),
    });
    const engine = await this.world.passUntil(opening);
    const found = await this.raw(START_MS, endMs, engine);
    await engine.close();
    store.close();
    return found;
  }

  /** Whoever is gone waits for no answer. */
  async crash(seed: number): Promise<void> {
    this.#store?.close();
    await this.world.crash(seed);
  }

  async end(): Promise<void> {
    this.#store?.close();
    await this.world.stop();
  }
}

function hostsSay(nowMs: number): OracleSample[] {
  const seconds = Math.floor((nowMs - START_MS) / 1000);
  return ['h0', 'h1'].flatMap((host, i) => [
    { series: `node_cpu_seconds_total|${host}`, timestampMs: nowMs, bits: bitsOf((seconds % 18_500) * (i + 1)) },
    { series: `node_load1|${host}`, timestampMs: nowMs, bits: bitsOf((seconds % 37) / 4 + i) },
  ]);
}

function numberOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

const timeOf = (key: string) => Number(key.slice(key.lastIndexOf('|') + 1));
const sorted = (points: Map<string, number>) => new Map([...points].sort(([a], [b]) => (a < b ? -1 : 1)));

async function anHour(how: Away, random: Random): Promise<void> {
  const story = new Story(random);
  const { world, s3 } = story;
  await world.start();
  await story.live(5 * HOUR_MS + 5 * MINUTE_MS, MINUTE_MS);
  expect(s3.keys().filter((key) => key.includes('.raw')).length).toBeGreaterThan(0);
  expect([story.waiting('raw'), story.waiting('1m')]).toEqual([0, 0]);

  story.away(how);
  const before = story.requests();
  let missing = 0;
  let crashed = false;
  const crashAtMs = MIDNIGHT_MS + (10 + random.below(45)) * MINUTE_MS;
  let looked = 0;
  await story.live(HOUR_MS, MINUTE_MS, async () => {
    if (looked++ % 5 > 0) return;
    const nowMs = world.clock.nowMs();
    const recent = await story.raw(nowMs - 90 * MINUTE_MS, nowMs + 1);
    expect(recent.points).toEqual(story.expected(nowMs - 90 * MINUTE_MS, nowMs + 1));
    // After a start nobody knows what there is beside it.
    if (!crashed) expect(recent.warnings).toEqual([]);
    const old = await story.raw(START_MS, MIDNIGHT_MS - 2 * HOUR_MS);
    if (old.warnings.length > 0) missing++;
    else expect(old.points).toEqual(story.expected(START_MS, MIDNIGHT_MS - 2 * HOUR_MS));
    if (nowMs < crashAtMs || crashed) return;
    crashed = true;
    await story.crash(random.below(2 ** 31));
    expect(world.engine.sealedUnknown).toContain('http://sim');
  });
  expect(missing).toBeGreaterThan(5);
  // A raw window and a day of minutes; two more checks of the clock and they are sealed.
  expect([story.waiting('raw'), story.waiting('1m')]).toEqual([1, 1]);
  expect(world.metric('tidemark_storage_waiting_bytes{tier="raw"}')).toBeGreaterThan(0);
  expect(world.metric('tidemark_s3_away')).toBe(1);
  expect(story.requests() - before, 'it is asked once in a while only').toBeLessThan(400);

  story.away('no');
  await story.live(3 * MINUTE_MS, MINUTE_MS);
  expect([story.waiting('raw'), story.waiting('1m'), world.metric('tidemark_s3_away')]).toEqual([0, 0, 0]);
  const nowMs = world.clock.nowMs();
  expect(await story.raw(START_MS, nowMs + 1)).toEqual({
    points: story.expected(START_MS, nowMs + 1),
    warnings: [],
  });
  const sealed = await story.fromObjectsAlone(random, MIDNIGHT_MS);
  expect(sealed).toEqual({ points: story.expected(START_MS, MIDNIGHT_MS), warnings: [] });
  await story.end();
}

test.each(['refuses', 'hangs', 'says 503'] as const)(
  'an hour in which it %s loses nothing, and recent data stays readable',
  (how) =>
    withSeed(`away for an hour, ${how}`, async (random) => {
      for (let round = 0; round < rounds(1); round++) await anHour(how, random);
    }),
  240_000,
);

test('what waits is bounded by retention, however long it is away', async () => {
  await withSeed('away for days', async (random) => {
    const RETENTION_MS = DAY_MS;
    const story = new Story(random);
    const { world } = story;
    world.options = { retentionMs: { raw: RETENTION_MS, '1m': 30 * DAY_MS, '1h': 365 * DAY_MS } };
    await world.start();
    await story.live(4 * HOUR_MS, 10 * MINUTE_MS);
    story.away('refuses');
    let most = 0;
    await story.live(2 * DAY_MS, 30 * MINUTE_MS, async () => {
      most = Math.max(most, story.waiting('raw'));
    });
    const WINDOWS_KEPT = RETENTION_MS / (2 * HOUR_MS);
    expect(most).toBeGreaterThan(WINDOWS_KEPT - 3);
    expect(most).toBeLessThanOrEqual(WINDOWS_KEPT + 1);
    story.away('no');
    await story.live(5 * MINUTE_MS, MINUTE_MS);
    expect([story.waiting('raw'), story.waiting('1m'), story.waiting('1h')]).toEqual([0, 0, 0]);
    const nowMs = world.clock.nowMs();
    const fromMs = nowMs - RETENTION_MS + 2 * HOUR_MS;
    expect(await story.raw(fromMs, nowMs + 1)).toEqual({ points: story.expected(fromMs, nowMs + 1), warnings: [] });
    await story.end();
  });
}, 240_000);
