import { isTidemarkError, type Random, seededRandom } from '@tidemark/base';
import {
  BatchBuilder,
  encodeLabels,
  formatLabels,
  histogramBytes,
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
import { START_MS, World } from './world.ts';

// The engine against a log and a map: whatever happens, an answer is what the log says, the last in log order standing for
// each (series, time). The log outlives every crash; the engine may ask for it again from its position on, never from before
// a position it has reported as durable (the log would have let that go).
//
// Replay: SEED=<seed> ROUNDS=<steps> npx vitest run oracle.sim

const SEED = Number(process.env['SEED'] ?? 20261122);
const STEPS = Number(process.env['ROUNDS'] ?? 400);
const TENANTS = ['default', 'other'];
const RAW = { topic: 'tidemark.raw', partition: 0 };
const ROWS = { topic: 'tidemark.1m', partition: 0 };
const HOUR = 3_600_000;

type Delete = Omit<Tombstone, 'topic' | 'partition' | 'offset'>;

/** series -> time -> bits */
type Expected = Map<string, Map<number, string>>;

function pointsOf(series: readonly SelectedSeries[]): Expected {
  const got: Expected = new Map();
  for (const one of series) {
    const { labels, timestampsMs, values } = one;
    const words = wordsOf(values);
    const points = new Map<number, string>();
    const texts = histogramTexts(one);
    for (const [i, t] of timestampsMs.entries()) points.set(t, texts.get(i) ?? `${words[i * 2 + 1]}:${words[i * 2]}`);
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

function lastOf(points: Expected): Map<string, string> {
  return new Map(
    [...points].map(([series, all]) => {
      const lastMs = Math.max(...all.keys());
      return [series, `${lastMs} ${all.get(lastMs)}`];
    }),
  );
}

class Story {
  readonly random: Random;
  readonly world: World;
  readonly samples: (SampleBatch | Delete)[] = [];
  readonly rows: RowBatch[] = [];
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

  makeSamples(): SampleBatch {
    if (this.samples.length > 0 && this.chance(0.1)) {
      // A client sends the same request again.
      const again = this.samples[Math.max(0, this.samples.length - 1 - this.random.below(20))];
      if (again !== undefined && !('selectors' in again)) return again;
    }
    const builder = new BatchBuilder(TENANTS[this.random.below(2)] as string);
    const now = this.world.clock.nowMs();
    const metric = `metric_${this.random.below(3)}`;
    const late = this.chance(0.15) ? this.random.below(9 * HOUR) : 0;
    const count = 1 + this.random.below(60);
    for (let i = 0; i < count; i++) {
      const labels = labelsOf({ __name__: metric, instance: `host-${this.random.below(6)}` });
      const time = now - late - this.random.below(4) * 15_000 - (this.chance(0.1) ? this.random.below(HOUR) : 0);
      const at = time + (this.chance(0.05) ? 300_000 : 0);
      // At times that numbers of the series have as well, in this record or in another.
      if (this.chance(0.1)) {
        const bytes = encodeLabels(labels);
        builder.addHistogram(builder.seriesOf(bytes, 0, bytes.length), at, anyHistogram(this.random));
      }
      if (this.chance(0.9)) builder.addLabels(labels, at, this.value());
    }
    const batch = builder.build(now);
    for (let i = 0; i < batch.values.length; i++) if (this.chance(0.02)) writeStale(batch.values, i);
    return batch;
  }

  makeRows(): RowBatch {
    const now = this.world.clock.nowMs();
    const builder = new BatchBuilder(TENANTS[this.random.below(2)] as string);
    const length = 1 + this.random.below(20);
    const rows = makeRowColumns(length);
    for (let i = 0; i < length; i++) {
      const labels = labelsOf({ __name__: `metric_${this.random.below(2)}`, instance: `host-${this.random.below(4)}` });
      builder.addLabels(labels, 0, 0);
      const end = Math.floor(now / 60_000) * 60_000 - this.random.below(this.chance(0.1) ? 3000 : 4) * 60_000;
      rows.series[i] = builder.build(0).sampleSeries[i] as number;
      rows.endMs[i] = end;
      rows.firstMs[i] = end - this.random.below(60_000);
      rows.lastMs[i] = end - this.random.below(100);
      // A new generation is computed of what was read by then.
      rows.offset[i] = Math.max(0, this.samples.length - this.random.below(5));
      rows.generation[i] = Math.floor((rows.offset[i] as number) / 40);
      for (const name of ['count', 'sum', 'min', 'max', 'first', 'last', 'increase', 'compensation'] as const) {
        rows[name][i] = this.value();
      }
    }
    return { tenant: builder.tenant, resolution: '1m', admittedAtMs: now, series: builder.build(now).series, rows };
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
      [RAW, this.samples],
      [ROWS, this.rows],
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

  makeDelete(): Delete {
    const now = this.world.clock.nowMs();
    const instance = matcher('=~', 'instance', `host-[${this.random.below(4)}-5]`);
    const endMs = this.chance(0.4) ? Number.POSITIVE_INFINITY : now - this.random.below(9 * HOUR);
    const startMs = this.chance(0.3) ? Number.NEGATIVE_INFINITY : Math.min(endMs, now) - this.random.below(6 * HOUR);
    const metrics = [0, 1, 2].filter(() => this.chance(0.4));
    return {
      tenant: TENANTS[this.random.below(2)] as string,
      selectors: metrics.map((metric) => [matcher('=', '__name__', `metric_${metric}`), instance]),
      startMs,
      endMs,
      atMs: now,
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
      const expected = this.expectedSamples(tenant, metric, startMs, endMs);
      expect(pointsOf(raw.series)).toEqual(expected);
      expect(pointsOf(await handed(this.world.engine.source(), request))).toEqual(expected);
      expect(lastOf(pointsOf(await handed(this.world.engine.source(), { ...request, newestOnly: true })))).toEqual(
        lastOf(expected),
      );
      const newest = await this.world.engine.source().select({ ...request, newestOnly: true });
      expect(lastOf(pointsOf(newest.series))).toEqual(lastOf(expected));
      const rows = await this.world.engine.source().selectRows({ ...request, resolution: '1m' });
      expect(rows.warnings).toEqual([]);
      const gotRows: Expected = new Map();
      for (const { labels, rows: columns } of rows.series) {
        const points = new Map<number, string>();
        for (let i = 0; i < columns.length; i++) points.set(columns.endMs[i] as number, rowText(columns, i));
        gotRows.set(formatLabels(labels), points);
      }
      expect(gotRows).toEqual(this.expectedRows(tenant, metric, startMs, endMs));
    }
  }

  expectedSamples(tenant: string, metric: string, startMs: number, endMs: number): Expected {
    const expected: Expected = new Map();
    for (const batch of this.samples) {
      if (batch.tenant !== tenant) continue;
      if ('selectors' in batch) {
        for (const [name, points] of expected) {
          if (!isMeant(batch, name)) continue;
          for (const time of points.keys()) if (time >= batch.startMs && time <= batch.endMs) points.delete(time);
          if (points.size === 0) expected.delete(name);
        }
        continue;
      }
      const names = namesOf(batch);
      const words = wordsOf(batch.values);
      const put = (series: number, time: number, text: string) => {
        const name = names[series] as string;
        if (!name.startsWith(metric) || name.includes('host-1') || time < startMs || time >= endMs) return;
        const points = expected.get(name) ?? new Map<number, string>();
        points.set(time, text);
        expected.set(name, points);
      };
      batch.timestampsMs.forEach((time, i) => {
        put(batch.sampleSeries[i] as number, time, `${words[i * 2 + 1]}:${words[i * 2]}`);
      });
      const { histograms } = batch;
      histograms?.timestampsMs.forEach((time, i) => {
        put(histograms.series[i] as number, time, histogramText(histogramBytes(histograms, i)));
      });
    }
    return sortedPoints(expected);
  }

  expectedRows(tenant: string, metric: string, startMs: number, endMs: number): Expected {
    const best = new Map<string, { revision: number; name: string; time: number; text: string }>();
    const deletes = this.samples.flatMap((one, offset) =>
      'selectors' in one && one.tenant === tenant ? [{ ...one, offset }] : [],
    );
    for (const batch of this.rows) {
      if (batch.tenant !== tenant) continue;
      const names = namesOf(batch);
      for (let i = 0; i < batch.rows.length; i++) {
        const name = names[batch.rows.series[i] as number] as string;
        const time = batch.rows.endMs[i] as number;
        if (!name.startsWith(metric) || name.includes('host-1') || time < startMs || time >= endMs) continue;
        const [firstMs, lastMs] = [batch.rows.firstMs[i] as number, batch.rows.lastMs[i] as number];
        const isDeleted = deletes.some(
          (one) =>
            one.offset >= (batch.rows.offset[i] as number) &&
            isMeant(one, name) &&
            firstMs >= one.startMs &&
            lastMs <= one.endMs,
        );
        if (isDeleted) continue;
        const revision = (batch.rows.generation[i] as number) * 1e6 + (batch.rows.offset[i] as number);
        const known = best.get(`${name} ${time}`);
        if (known && known.revision > revision) continue;
        best.set(`${name} ${time}`, { revision, name, time, text: rowText(batch.rows, i) });
      }
    }
    const expected: Expected = new Map();
    for (const { name, time, text } of best.values()) {
      const points = expected.get(name) ?? new Map<number, string>();
      points.set(time, text);
      expected.set(name, points);
    }
    return sortedPoints(expected);
  }
}

class Killed extends Error {}

/** Whether a delete means a series of this name, `metric_0{instance="host-1"}`. */
function isMeant({ selectors }: Delete, name: string): boolean {
  return selectors.some((selector) => {
    const [metric, instance] = selector.map(({ value }) => value);
    return name.startsWith(`${metric}{`) && new RegExp(`"${instance}"`).test(name);
  });
}

function namesOf({ series }: { series: SampleBatch['series'] }): string[] {
  const { labelBytes, labelEnds, count } = series;
  const names: string[] = [];
  for (let s = 0; s < count; s++) {
    const text = Buffer.from(labelBytes.subarray(s === 0 ? 0 : labelEnds[s - 1], labelEnds[s])).toString();
    // Both labels are shorter than 128 bytes: one length byte before each text.
    const [metric, host] = [/metric_\d/.exec(text), /host-\d/.exec(text)];
    names.push(`${metric}{instance="${host}"}`);
  }
  return names;
}

function rowText(rows: RowBatch['rows'], i: number): string {
  const columns = [rows.count, rows.sum, rows.compensation, rows.min, rows.max, rows.first, rows.firstMs] as const;
  const rest = [rows.last, rows.lastMs, rows.increase, rows.generation, rows.offset] as const;
  return [...columns, ...rest].map((column) => (Object.is(column[i], -0) ? '-0' : String(column[i]))).join(' ');
}

function sortedPoints(expected: Expected): Expected {
  for (const [name, points] of expected) expected.set(name, new Map([...points].sort((a, b) => a[0] - b[0])));
  return expected;
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
