import { isTidemarkError, type Random, seededRandom } from '@tidemark/base';
import {
  BatchBuilder,
  encodeLabels,
  formatLabels,
  labelsOf,
  makeRowColumns,
  matcher,
  type RowBatch,
  type SampleBatch,
  type SelectedSeries,
  type SelectRequest,
  type SeriesSource,
  wordsOf,
  writeStale,
} from '@tidemark/model';
import { expect, test } from 'vitest';
import type { CompactReport, Tombstone } from '../src/index.ts';
import { anyHistogram, histogramText, histogramTexts } from './any-histogram.ts';
import {
  type Answer,
  bitsOf,
  newestOf,
  type Row,
  rowsOf,
  type Said,
  type Sample,
  STALE,
  samplesOf,
} from './oracle/answers.ts';
import { START_MS, World } from './world.ts';

// The engine against a log and a map: whatever happens, an answer is what the log says (oracle/answers.ts, which is told what the engine
// is told, before it is put into batches). The log outlives every crash; the engine may ask for it again from its position on, never from
// before a position it has reported as durable (the log would have let that go).
//
// Replay: SEED=<seed> ROUNDS=<steps> npx vitest run oracle.sim

const SEED = Number(process.env['SEED'] ?? 20261122);
const STEPS = Number(process.env['ROUNDS'] ?? 400);
const TENANTS = ['default', 'other'];
const RAW = { topic: 'tidemark.raw', partition: 0 };
const ROWS = { topic: 'tidemark.1m', partition: 0 };
const HOUR = 3_600_000;
const ROW_NUMBERS = ['count', 'sum', 'min', 'max', 'first', 'last', 'increase', 'compensation'] as const;
const ROW_TOLD = [...ROW_NUMBERS, 'firstMs', 'lastMs', 'generation', 'offset'] as const;

type Delete = Omit<Tombstone, 'topic' | 'partition' | 'offset'>;

/** A record of the log of samples: as it is, and in plain words. */
interface SampleRecord {
  readonly record: SampleBatch | Delete;
  readonly said: Said;
}

interface RowRecord {
  readonly batch: RowBatch;
  readonly tenant: string;
  readonly rows: readonly Row[];
}

const hex = (word: number | undefined) => (word ?? 0).toString(16).padStart(8, '0');

function pointsOf(series: readonly SelectedSeries[]): Answer {
  const got: Answer = new Map();
  for (const one of series) {
    const { labels, timestampsMs, values } = one;
    const words = wordsOf(values);
    const points = new Map<number, string>();
    const texts = histogramTexts(one);
    for (const [i, t] of timestampsMs.entries())
      points.set(t, texts.get(i) ?? hex(words[i * 2 + 1]) + hex(words[i * 2]));
    expect(points.size).toBe(timestampsMs.length);
    got.set(formatLabels(labels), points);
  }
  return got;
}

/** Series as they are handed over one by one, each copied before the next. */
async function handed(source: SeriesSource, request: SelectRequest): Promise<SelectedSeries[]> {
  const copies: SelectedSeries[] = [];
  let slow = 0;
  const { series, warnings } = await source.select({
    ...request,
    each(one) {
      const copy = () => {
        const values = new Float64Array(one.values.length);
        wordsOf(values).set(wordsOf(one.values));
        const { labels, timestampsMs, histograms } = one;
        copies.push({ labels, timestampsMs: timestampsMs.slice(), values, histograms });
      };
      // Some take their time, and still have it.
      if (slow++ % 3 > 0) return void copy();
      return new Promise((resolve) => setImmediate(resolve)).then(copy);
    },
  });
  expect(series).toEqual([]);
  expect(warnings).toEqual([]);
  return copies;
}

class Story {
  readonly random: Random;
  readonly world: World;
  readonly samples: SampleRecord[] = [];
  readonly rows: RowRecord[] = [];
  durable = new Map<string, number>();
  killAt = -1;
  kills = 0;
  failures = 0;
  compactions = 0;
  removed = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.world = new World(seededRandom(seed ^ 0x5eed));
    this.world.options = {
      supplementAfterMs: 30 * 60_000,
      retentionMs: { raw: 1000 * HOUR, '1m': 10_000 * HOUR, '1h': 10_000 * HOUR },
      segmentBytesMax: 2000,
      openWindowsMax: 3,
      forgetSeriesMin: 1,
      compactAfterMs: HOUR,
      compactBytesMax: 3000,
      compactSourcesMax: 5,
      objectLeaseMs: 10 * 60_000,
      at: () => {
        if (this.killAt < 0 || this.killAt-- > 0) return;
        this.kills++;
        throw new Killed();
      },
    };
  }

  chance(share: number): boolean {
    return this.random.next() < share;
  }

  makeSamples(): SampleRecord {
    if (this.samples.length > 0 && this.chance(0.1)) {
      // A client sends the same request again.
      const again = this.samples[Math.max(0, this.samples.length - 1 - this.random.below(20))];
      if (again?.said.kind === 'samples') return again;
    }
    const tenant = TENANTS[this.random.below(2)] as string;
    const builder = new BatchBuilder(tenant);
    const numbers: Sample[] = [];
    const histograms: Sample[] = [];
    const now = this.world.clock.nowMs();
    const metric = `metric_${this.random.below(3)}`;
    const late = this.chance(0.15) ? this.random.below(9 * HOUR) : 0;
    const count = 1 + this.random.below(60);
    for (let i = 0; i < count; i++) {
      const instance = `host-${this.random.below(6)}`;
      const labels = labelsOf({ __name__: metric, instance });
      const time = now - late - this.random.below(4) * 15_000 - (this.chance(0.1) ? this.random.below(HOUR) : 0);
      const at = time + (this.chance(0.05) ? 300_000 : 0);
      // At times that numbers of the series have as well, in this record or in another.
      if (this.chance(0.1)) {
        const bytes = encodeLabels(labels);
        const histogram = anyHistogram(this.random);
        builder.addHistogram(builder.seriesOf(bytes, 0, bytes.length), at, histogram);
        histograms.push({ metric, instance, timeMs: at, text: histogramText(histogram) });
      }
      if (!this.chance(0.9)) continue;
      const value = this.value();
      builder.addLabels(labels, at, value);
      numbers.push({ metric, instance, timeMs: at, text: bitsOf(value) });
    }
    const batch = builder.build(now);
    for (const [i, number] of numbers.entries()) {
      if (!this.chance(0.02)) continue;
      writeStale(batch.values, i);
      numbers[i] = { ...number, text: STALE };
    }
    return { record: batch, said: { kind: 'samples', tenant, numbers, histograms } };
  }

  makeRows(): RowRecord {
    const now = this.world.clock.nowMs();
    const tenant = TENANTS[this.random.below(2)] as string;
    const builder = new BatchBuilder(tenant);
    const length = 1 + this.random.below(20);
    const rows = makeRowColumns(length);
    const said: Row[] = [];
    for (let i = 0; i < length; i++) {
      const [metric, instance] = [`metric_${this.random.below(2)}`, `host-${this.random.below(4)}`];
      const labels = labelsOf({ __name__: metric, instance });
      builder.addLabels(labels, 0, 0);
      const end = Math.floor(now / 60_000) * 60_000 - this.random.below(this.chance(0.1) ? 3000 : 4) * 60_000;
      rows.series[i] = builder.build(0).sampleSeries[i] as number;
      const firstMs = end - this.random.below(60_000);
      const lastMs = end - this.random.below(100);
      // A new generation is computed of what was read by then.
      const offset = Math.max(0, this.samples.length - this.random.below(5));
      const revision = { offset, generation: Math.floor(offset / 40) };
      const numbers = ROW_NUMBERS.map((name) => [name, this.value()] as const);
      const row = { ...revision, endMs: end, firstMs, lastMs, ...Object.fromEntries(numbers) };
      for (const [name, value] of Object.entries(row)) rows[name as keyof typeof row][i] = value;
      said.push({ ...row, metric, instance, text: rowText(row) });
    }
    const section = builder.build(now).series;
    const batch = { tenant, resolution: '1m' as const, admittedAtMs: now, series: section, rows };
    return { batch, tenant, rows: said };
  }

  value(): number {
    const kind = this.random.below(6);
    if (kind === 0) return this.random.below(10);
    if (kind === 1) return this.random.below(10_000) / 100;
    if (kind === 2) return this.random.next() * 1e9;
    if (kind === 3) return [Number.NaN, -0, Number.POSITIVE_INFINITY, 0][this.random.below(4)] as number;
    return 100 + this.random.below(3);
  }

  /** Brings the engine up to the end of the log, as the storer's loop does. */
  async catchUp(): Promise<void> {
    const { engine } = this.world;
    for (const [tp, log] of [
      [RAW, this.samples.map(({ record }) => record)],
      [ROWS, this.rows.map(({ batch }) => batch)],
    ] as const) {
      const from = engine.position(tp);
      expect(from, 'the engine never asks for what the log may have let go').toBeGreaterThanOrEqual(
        this.durable.get(tp.topic) ?? 0,
      );
      // The storer may be handed a few records again.
      for (let offset = Math.max(0, from - this.random.below(3)); offset < log.length; offset++) {
        const batch = log[offset] as SampleBatch & RowBatch & Delete;
        const applied =
          'selectors' in batch
            ? engine.applyDelete({ ...batch, ...tp, offset })
            : tp === RAW
              ? engine.applySamples({ ...tp, offset, batch })
              : engine.applyRows({ ...tp, offset, batch });
        expect(applied).toBe(offset >= from);
      }
    }
  }

  makeDelete(): SampleRecord {
    const now = this.world.clock.nowMs();
    const first = this.random.below(4);
    const instance = matcher('=~', 'instance', `host-[${first}-5]`);
    const endMs = this.chance(0.4) ? Number.POSITIVE_INFINITY : now - this.random.below(9 * HOUR);
    const startMs = this.chance(0.3) ? Number.NEGATIVE_INFINITY : Math.min(endMs, now) - this.random.below(6 * HOUR);
    const metrics = [0, 1, 2].filter(() => this.chance(0.4)).map((number) => `metric_${number}`);
    const instances = ['host-0', 'host-1', 'host-2', 'host-3', 'host-4', 'host-5'].slice(first);
    const tenant = TENANTS[this.random.below(2)] as string;
    const selectors = metrics.map((metric) => [matcher('=', '__name__', metric), instance]);
    return {
      record: { tenant, selectors, startMs, endMs, atMs: now },
      said: { kind: 'delete', tenant, metrics, instances, startMs, endMs },
    };
  }

  async survive(work: () => Promise<unknown>): Promise<void> {
    if (this.chance(0.35)) this.killAt = this.random.below(7);
    // Or something fails and the process goes on: the next checkpoint must make it good.
    if (this.chance(0.2)) this.world.levels.writeFailures = 1;
    const calls = ['append', 'sync', 'rename', 'syncFolder', 'open'] as const;
    if (this.chance(0.2)) this.world.disk.failNext(calls[this.random.below(calls.length)] ?? 'sync');
    try {
      await work();
    } catch (error) {
      if (error instanceof Killed) await this.restart();
      else if (isTidemarkError(error, 'STORAGE_IO') || isTidemarkError(error, 'DISK_IO')) this.failures++;
      else throw error;
    }
    this.world.levels.writeFailures = 0;
    this.killAt = -1;
  }

  async restart(): Promise<void> {
    this.killAt = -1;
    const { world } = this;
    world.objects.faults = { failures: 0, lostReplies: 0, slow: 0.1, conflicts: 0 };
    if (this.chance(0.05)) {
      world.loseDisk();
      // Then the log must have been kept for as long.
      this.durable = new Map();
    } else
      world.crash(this.random.below(2 ** 31), (['torn', 'synced', 'written'] as const)[this.random.below(3)] ?? 'torn');
    await world.open().catch((error: unknown) => {
      // A write that fails while opening is no reason to give anything up: the next try finds all of it.
      if (!isTidemarkError(error, 'STORAGE_IO')) throw error;
      this.failures++;
      return world.open();
    });
    await this.catchUp();
  }

  async step(): Promise<void> {
    const { world } = this;
    const what = this.random.below(100);
    if (what < 55) {
      if (this.chance(0.06)) this.samples.push(this.makeDelete());
      else if (this.chance(0.75)) this.samples.push(this.makeSamples());
      else this.rows.push(this.makeRows());
      await this.catchUp();
    } else if (what < 70) await world.clock.advance(this.random.below(this.chance(0.2) ? 3 * HOUR : 600_000));
    else if (what < 80) {
      await this.survive(async () => {
        const positions = await world.engine.checkpoint();
        for (const { topic, offset } of positions) this.durable.set(topic, offset);
      });
    } else if (what < 88) {
      const rough = this.chance(0.5);
      if (rough) world.objects.faults = { failures: 0.1, lostReplies: 0.2, slow: 0.3, conflicts: 0.2 };
      await this.survive(() => world.engine.seal({ supplementsToo: this.chance(0.3) }));
      world.objects.faults = { failures: 0, lostReplies: 0, slow: 0.1, conflicts: 0 };
    } else if (what < 91) {
      const rough = this.chance(0.3);
      if (rough) world.objects.faults = { failures: 0.05, lostReplies: 0.1, slow: 0.3, conflicts: 0.1 };
      // Appends, checkpoints and seals go on beside it.
      await this.survive(() => this.compact());
      world.objects.faults = { failures: 0, lostReplies: 0, slow: 0.1, conflicts: 0 };
    } else if (what < 93) await this.restart();
    else await this.check();
  }

  /** Appends, checkpoints and seals go on beside it. */
  async compact(): Promise<void> {
    const { engine, clock } = this.world;
    const note = ({ jobs, removed }: CompactReport) => {
      this.compactions += jobs;
      this.removed += removed;
    };
    const compacting = engine.compact();
    try {
      if (this.chance(0.5)) {
        this.samples.push(this.makeSamples());
        await this.catchUp();
        await engine.seal({ supplementsToo: true });
      }
    } finally {
      // A process that dies takes its compaction along.
      await compacting.then(note, () => undefined);
    }
    await compacting;
    if (!this.chance(0.5)) return;
    await clock.advance(15 * 60_000);
    note(await engine.compact({ cleanAll: this.chance(0.5) }));
  }

  async check(): Promise<void> {
    for (const tenant of TENANTS) {
      const now = this.world.clock.nowMs();
      const endMs = this.chance(0.5) ? now + 2 * HOUR : now - this.random.below(12 * HOUR);
      const startMs = this.chance(0.3) ? START_MS - 100 * HOUR : endMs - 1 - this.random.below(12 * HOUR);
      const metric = `metric_${this.random.below(3)}`;
      const request = {
        tenant,
        matchers: [matcher('=', '__name__', metric), matcher('!=', 'instance', 'host-1')],
        range: { startMs, endMs },
        limits: { seriesMax: 1000, samplesMax: 1e6 },
        signal: new AbortController().signal,
      };
      const raw = await this.world.engine.source().select(request);
      expect(raw.warnings).toEqual([]);
      const asked = { tenant, metric, butInstance: 'host-1', startMs, endMs };
      const log = this.samples.map(({ said }) => said);
      const expected = samplesOf(log, asked);
      expect(pointsOf(raw.series)).toEqual(expected);
      expect(pointsOf(await handed(this.world.engine.source(), request))).toEqual(expected);
      expect(newestOf(pointsOf(await handed(this.world.engine.source(), { ...request, newestOnly: true })))).toEqual(
        newestOf(expected),
      );
      const newest = await this.world.engine.source().select({ ...request, newestOnly: true });
      expect(newestOf(pointsOf(newest.series))).toEqual(newestOf(expected));
      const rows = await this.world.engine.source().selectRows({ ...request, resolution: '1m' });
      expect(rows.warnings).toEqual([]);
      const gotRows: Answer = new Map();
      for (const { labels, rows: columns } of rows.series) {
        const points = new Map<number, string>();
        for (let i = 0; i < columns.length; i++) {
          const row = Object.fromEntries(ROW_TOLD.map((name) => [name, columns[name][i] as number]));
          points.set(columns.endMs[i] as number, rowText(row));
        }
        gotRows.set(formatLabels(labels), points);
      }
      expect(gotRows).toEqual(rowsOf(this.rows, log, asked));
    }
  }
}

class Killed extends Error {}

function rowText(row: Readonly<Record<string, number>>): string {
  return ROW_TOLD.map((name) => `${name} ${bitsOf(row[name] as number)}`).join(' ');
}

test(`answers are what the log says, through crashes, seals and losses (seed ${SEED}, ${STEPS} steps)`, async () => {
  const story = new Story(SEED);
  await story.world.open();
  let step = 0;
  try {
    for (; step < STEPS; step++) await story.step();
    await story.check();
    const stats = story.world.engine.stats();
    expect(stats.tiers.raw.segments, 'something was sealed').toBeGreaterThan(0);
    expect(story.compactions, 'something was compacted').toBeGreaterThan(0);
    expect(story.removed, 'something was removed').toBeGreaterThan(0);
    expect(story.failures, 'something failed').toBeGreaterThan(0);
    expect(story.kills, 'something was killed').toBeGreaterThan(0);
  } catch (error) {
    if (error instanceof Error)
      error.message += `\nstep ${step}; replay: SEED=${SEED} ROUNDS=${STEPS} npx vitest run oracle.sim`;
    throw error;
  }
}, 120_000);
